"""What the server can do to a runner (F01, F20, F35, F75, F76): nothing of it needs a restart.

Each test has a server of its own, a real runner, and a run that goes on through the fault. After it
the run ends once, new runs work, and the runner said little.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.states import State
from orchestrator.store.runs import read_run
from tests.runner.serving import NAME, Place, Runner
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import Client, open_client
from tests.support.processes import is_gone, state_of

D = deployment_id(NAME)
LEASE = 1.5
RESUMED = 8.0
"""Seconds after which claims must have resumed."""
FLOW = """
@flow
def work(until=""):
    with open("executions", "a") as file:
        file.write("x")
    if until:
        Path("pid").write_text(str(os.getpid()))
    while until and not Path(until).exists():
        time.sleep(0.01)
"""


@pytest.fixture
def own_server() -> Iterator[Server]:
    """With an append-only file."""
    server = Server(
        options=(
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--enable-protected-configs",
            "yes",
        )
    )
    yield server.start()
    server.stop()


@pytest.fixture
def place(own_server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(own_server, tmp_path)
    place.flows(FLOW)
    yield place
    place.end()


@pytest.fixture
def client(own_server: Server) -> Iterator[Client]:
    with open_client(own_server.url) as client:
        yield client


@pytest.fixture
def runner(place: Place) -> Runner:
    return place.start(lease_seconds=LEASE, limit=2)


@pytest.fixture
def running(place: Place, runner: Runner) -> RunId:
    run = place.submit(until="go")
    place.in_state(run, State.RUNNING)
    return run


@contextmanager
def again_and_again(harm: Callable[[], object]) -> Iterator[None]:
    """Inside, it is done all the time."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(0.02):
            harm()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def goes_on(place: Place, runner: Runner, running: RunId | None) -> None:
    """The run ends well, as it began; a new one is claimed in time; all is said in few lines."""
    new = place.submit()
    assert place.ended(new, within=RESUMED).state is State.COMPLETED
    (place.folder / "go").touch()
    if running is not None:
        run = place.ended(running, within=RESUMED)
        assert (run.state, run.attempt) == (State.COMPLETED, 1)
        assert place.note("executions") == "xx"
    noise = [line for line in runner.output.splitlines() if "WARN" in line or "ERROR" in line]
    assert len(noise) < 20, runner.output
    assert runner.process.poll() is None
    with open_client(place.server.url) as client:
        assert_invariants(client)


def freeze(server: Server, number: int) -> None:
    assert server.process is not None
    server.process.send_signal(number)


def test_I4_a_server_that_stands_still_beyond_the_lease(
    place: Place, runner: Runner, running: RunId, own_server: Server
) -> None:
    freeze(own_server, signal.SIGSTOP)
    eventually(lambda: "does not answer" in runner.output)
    eventually(lambda: is_stopped(place.note("pid")), why="the tree is frozen at its deadline")
    freeze(own_server, signal.SIGCONT)
    goes_on(place, runner, running)


def is_stopped(pid: str) -> bool:
    return state_of(pid) == "T"


def test_I1_a_restart_with_append_only_file(
    place: Place, runner: Runner, running: RunId, own_server: Server
) -> None:
    own_server.kill()
    eventually(lambda: "does not answer" in runner.output)
    own_server.start()
    goes_on(place, runner, running)


def forgotten(place: Place, run: RunId) -> bool:
    return place.store.call(read_run(run)) is None


def test_F01_everything_is_gone_and_new_runs_work(
    place: Place, runner: Runner, running: RunId, client: Client
) -> None:
    client.flushall()
    starts_anew(place, runner, running)


def test_F01_a_restart_that_forgets_everything(
    place: Place, runner: Runner, running: RunId, own_server: Server
) -> None:
    own_server.kill()
    shutil.rmtree(own_server.folder / "appendonlydir")
    own_server.start()
    starts_anew(place, runner, running)


def starts_anew(place: Place, runner: Runner, running: RunId) -> None:
    """The run without a record is stopped, the runner registers again and serves."""
    pid = int(eventually(lambda: place.note("pid"), why="the run has said its process id"))
    eventually(lambda: is_gone(pid), why="what has no record is stopped")
    eventually(place.deployment, why="the runner registers again")
    assert place.store.call(read_run(running)) is None
    assert "does not know this runner" in runner.output
    goes_on(place, runner, None)


def test_F35_messages_and_connections_are_cut_all_the_time(
    place: Place, runner: Runner, running: RunId, client: Client
) -> None:
    harms = (
        lambda: client.execute_command("CLIENT", "KILL", "TYPE", "pubsub"),
        lambda: client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
        client.script_flush,
    )
    with again_and_again(harms[0]), again_and_again(harms[2]):
        assert place.ended(place.submit(), within=RESUMED).state is State.COMPLETED
    (place.folder / "executions").write_text("x")
    for _ in range(20):
        harms[1]()
    goes_on(place, runner, running)


def test_a_server_that_takes_no_writes_for_a_while(
    place: Place, runner: Runner, running: RunId, client: Client
) -> None:
    client.config_set("min-replicas-to-write", 1)
    eventually(lambda: "does not answer" in runner.output)
    client.config_set("min-replicas-to-write", 0)
    goes_on(place, runner, running)


def test_a_server_that_is_made_a_replica_for_a_while(
    place: Place, runner: Runner, running: RunId, client: Client
) -> None:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    eventually(lambda: "does not answer" in runner.output)
    client.execute_command("REPLICAOF", "NO", "ONE")
    goes_on(place, runner, running)


def test_a_server_that_cannot_save_for_a_while(
    place: Place, runner: Runner, running: RunId, client: Client, tmp_path: Path
) -> None:
    """MISCONF: writes are refused while the last snapshot failed."""
    folder = tmp_path / "gone"
    folder.mkdir()
    client.config_set("dir", str(folder))
    folder.rmdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    eventually(lambda: "does not answer" in runner.output)
    client.config_set("save", "")
    goes_on(place, runner, running)


def test_F76_at_the_end_of_the_memory_runs_end_and_none_is_accepted(
    place: Place, runner: Runner, running: RunId, client: Client
) -> None:
    client.config_set("maxmemory", 1)
    with pytest.raises(ServerUnavailable, match="maxmemory"):
        place.submit()
    (place.folder / "go").touch()
    assert place.ended(running).state is State.COMPLETED
    client.config_set("maxmemory", 0)
    goes_on(place, runner, running)
