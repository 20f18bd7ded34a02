"""kill -9 of each kind of process loses nothing (I1), doubles nothing (I4), leaves none (I16)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import Client
from orchestrator.model.run import Run
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import Script, Starter, children, gone, scripts, tree

LEASE = 2
NAME = "witness/here"
FLOWS = """
import fcntl, os, subprocess, time
from orchestrator import flow

@flow
def witness(folder: str, hang_first: bool = False):
    '''Holds a lock while it runs, so that a second attempt at the same time is seen.'''
    with open(f"{folder}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        first = not os.path.exists(f"{folder}/begun")
        open(f"{folder}/begun", "a").write(f"{os.getpid()}\\n")
        if hang_first and first:
            subprocess.Popen(["sleep", "600"], start_new_session=True, close_fds=True)
            time.sleep(600)
    return "done"

if __name__ == "__main__":
    witness.serve(name="here", pause_on_shutdown=False)
"""


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def starter(server: Server, tmp_path: Path) -> Iterator[Starter]:
    environment = {
        "ORCHESTRATOR_REDIS_URL": server.url,
        "ORCHESTRATOR_HOME": str(tmp_path / "home"),
        "ORCHESTRATOR_LEASE_SECONDS": str(LEASE),
    }
    with scripts(tmp_path, **environment) as starter:
        yield starter


def serve(starter: Starter, client: Client, runners: int = 1) -> Script:
    """Start the script and wait until so many runners serve it."""
    script = starter.python(FLOWS)
    eventually(lambda: served_by(client) == runners, why="served")
    return script


def served_by(client: Client) -> int:
    return sum(len(deployment.runners) for deployment in client.deployments())


def hanging_run(client: Client, folder: Path) -> Run:
    """A run whose first attempt executes and will never end by itself."""
    folder.mkdir()
    run = client.create_run(NAME, {"folder": str(folder), "hang_first": True})
    eventually((folder / "begun").exists, why="the first attempt began")
    return eventually(lambda: running(client, run))


def running(client: Client, run: Run) -> Run | None:
    now = client.run(run.id)
    return now if now.state is State.RUNNING and now.pid else None


def ended(client: Client, run: Run) -> Run:
    def over() -> Run | None:
        now = client.run(run.id)
        return now if now.is_final else None

    return eventually(over, why="the run ended")


def runner_pid(client: Client) -> int:
    (runner,) = client.runners()
    return runner.pid


def spawner_pid(client: Client) -> int:
    return children(runner_pid(client))[0]


@pytest.mark.parametrize("victim", [runner_pid, spawner_pid], ids=["runner", "spawner"])
def test_I1_a_run_outlives_its(
    victim: Callable[[Client], int], client: Client, starter: Starter, tmp_path: Path
) -> None:
    serve(starter, client)
    run = hanging_run(client, tmp_path / "witness")
    first = tree(victim(client))
    pid = victim(client)
    serve(starter, client, runners=2)

    os.kill(pid, signal.SIGKILL)

    gone(first)
    done = ended(client, run)
    assert (done.state, done.attempt, done.result) == (State.COMPLETED, 2, "done")


def test_I1_a_run_outlives_every_process_of_its_host(
    client: Client, starter: Starter, tmp_path: Path
) -> None:
    serve(starter, client)
    run = hanging_run(client, tmp_path / "witness")
    host = runner_pid(client)
    victims = [host, *tree(host)]
    serve(starter, client, runners=2)

    for pid in victims:  # stopped first, so that none can report the death of another
        os.kill(pid, signal.SIGSTOP)
    for pid in reversed(victims):
        os.kill(pid, signal.SIGKILL)

    done = ended(client, run)
    assert (done.state, done.attempt) == (State.COMPLETED, 2)


def test_a_killed_run_process_is_a_crash_that_names_the_signal(
    client: Client, starter: Starter, tmp_path: Path
) -> None:
    serve(starter, client)
    run = hanging_run(client, tmp_path / "witness")
    assert run.pid
    family = [run.pid, *tree(run.pid)]

    os.kill(run.pid, signal.SIGKILL)

    done = ended(client, run)
    assert done.state is State.CRASHED
    assert "signal 9" in str(done.error)
    gone(family)


def test_a_killed_script_hands_its_runs_back_within_seconds(
    client: Client, starter: Starter, tmp_path: Path
) -> None:
    script = serve(starter, client)
    run = hanging_run(client, tmp_path / "witness")
    family = tree(runner_pid(client))
    serve(starter, client, runners=2)

    script.kill()

    gone(family)
    done = ended(client, run)
    assert (done.state, done.attempt) == (State.COMPLETED, 1), "handed back: the same attempt"


def test_I2_schedules_go_on_after_the_scheduler_was_killed(
    client: Client, starter: Starter, tmp_path: Path
) -> None:
    starter.python(
        FLOWS.replace('name="here"', 'name="here", interval=1, parameters={"folder": "."}')
    )
    first = starter.orchestrator("scheduler", "start")
    eventually(lambda: client.runs(limit=100), why="the first scheduler makes runs")

    first.kill()
    seen = len(client.runs(limit=100))
    starter.orchestrator("scheduler", "start")

    eventually(lambda: len(client.runs(limit=100)) > seen + 1, why="the second one makes runs")
    due = [run.scheduled_at for run in client.runs(limit=100)]
    assert len(due) == len(set(due))


def test_runs_wait_for_a_killed_server_and_go_on(starter: Starter, tmp_path: Path) -> None:
    server = Server(options=("--appendonly", "yes", "--appendfsync", "always")).start()
    try:
        with Client(server.url) as client:
            starter.environment["ORCHESTRATOR_REDIS_URL"] = server.url
            serve(starter, client)
            run = hanging_run(client, tmp_path / "witness")
            server.kill()
            server.start()
            assert run.pid
            os.kill(run.pid, signal.SIGKILL)
            assert ended(client, run).state is State.CRASHED
            again = client.create_run(NAME, {"folder": str(tmp_path / "witness")})
            assert ended(client, again).state is State.COMPLETED
    finally:
        starter.stop_all()
        server.stop()
