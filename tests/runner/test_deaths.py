"""kill -9 for every process of a runner: no run is lost, none runs twice at a time."""

from __future__ import annotations

import os
import signal

import pytest

from orchestrator.model.ids import RunnerId, deployment_id, new_nonce
from orchestrator.model.states import State
from orchestrator.store import keys
from orchestrator.store.leases import claim_runs, look
from orchestrator.store.runners import register_runner
from orchestrator.store.scripts import script
from soak.proxy import Proxies
from tests.runner.serving import Place, definition, reasons
from tests.support import eventually
from tests.support.keyspace import open_client
from tests.support.processes import children, gone, is_gone, state_of, tree

LEASE = 2.0
SLEEPS_AT_FIRST = """
@flow
def work():
    Path(f"began-{current_run().attempt}").write_text(str(os.getpid()))
    if current_run().attempt == 1:
        time.sleep(60)
    return current_run().attempt
"""

SLEEPS_WITH_A_CHILD = """
@flow
def work():
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    Path("child").write_text(str(child.pid))
    Path("began-1").write_text(str(os.getpid()))
    time.sleep(60)
"""


def test_I1_a_killed_runner_is_reported_by_its_spawner_within_two_seconds(place: Place) -> None:
    place.flows(SLEEPS_AT_FIRST)
    first = place.start()
    run_id = place.submit()
    pid = int(eventually(lambda: place.note("began-1")))
    place.start()
    os.kill(first.pid, signal.SIGKILL)
    eventually(
        lambda: place.note("began-2"), within=15, why="begun again, long before a lease ends"
    )
    assert is_gone(pid), "the orphan went on"
    run = place.ended(run_id)
    assert (run.state, run.result) == (State.COMPLETED, 2)
    assert "its runner died" in reasons(run.history)


def test_I1_who_is_left_of_a_crowd_that_died_at_once_takes_over(place: Place) -> None:
    """Most of a crowd look at others now and then only: that is enough when nobody else is left."""
    place.flows(SLEEPS_AT_FIRST)
    place.deploy(definition())
    d = deployment_id(definition().full_name)
    lost = [RunnerId(f"lost-{number}") for number in range(300)]
    place.store.call_all([register_runner(d, each, "{}") for each in lost])
    run_id = place.submit()
    asked = claim_runs(
        d, runner=lost[0], host="h", version="", nonce=new_nonce(), count=1, lease_ms=2_000
    )
    assert place.store.call(asked).runs[0].run_id == run_id

    runner = place.start(lease_seconds=LEASE)

    eventually(lambda: place.note("began-1"), why="begun by who is left")
    eventually(lambda: len(place.store.call(look(d, None)).runners) == 1, why="all are dropped")
    assert runner.output.count("A runner is gone without leaving.") == len(lost)


def test_I1_a_lost_host_is_noticed_by_another_runner(place: Place) -> None:
    place.flows(SLEEPS_AT_FIRST)
    first = place.start(lease_seconds=LEASE)
    run_id = place.submit()
    pid = int(eventually(lambda: place.note("began-1")))
    place.start(lease_seconds=LEASE)
    # Nobody is left to report anything: the spawner first, which takes its runs with it.
    processes = [first.pid, *tree(first.pid)]
    os.kill(first.pid, signal.SIGSTOP)
    for each in processes[1:]:
        os.kill(each, signal.SIGKILL)
    os.kill(first.pid, signal.SIGKILL)
    gone([pid])
    eventually(lambda: place.note("began-2"), why="begun again")
    run = place.ended(run_id)
    assert (run.state, run.result) == (State.COMPLETED, 2)
    eventually(lambda: len(place.deployment().runners) == 1, why="the dead runner is forgotten")


def test_I4_a_runner_that_stands_still_loses_its_runs_and_drops_them(place: Place) -> None:
    place.flows(SLEEPS_AT_FIRST)
    first = place.start(lease_seconds=LEASE)
    run_id = place.submit()
    pid = int(eventually(lambda: place.note("began-1")))
    place.start(lease_seconds=LEASE)
    os.kill(first.pid, signal.SIGSTOP)
    eventually(lambda: place.note("began-2"), why="begun again")
    assert not is_gone(pid)
    assert state_of(pid) == "T", "it ran beside its successor"
    os.kill(first.pid, signal.SIGCONT)
    gone([pid])
    assert place.ended(run_id).result == 2
    eventually(lambda: len(place.deployment().runners) == 2, why="the first registers anew")


def test_I4_a_lost_run_ends_though_its_spawner_stands_still(place: Place) -> None:
    """With everything that it has started: a server that forgot the claim gives it to others."""
    place.flows(SLEEPS_WITH_A_CHILD)
    runner = place.start(lease_seconds=LEASE)
    run_id = place.submit()
    child = int(eventually(lambda: place.note("child")))
    pid = int(eventually(lambda: place.note("began-1")))
    os.kill(runner.spawner, signal.SIGSTOP)
    with open_client(place.server.url) as client:
        client.hset(keys.run(run_id), "token", "9.another")
    eventually(lambda: is_gone(pid) and is_gone(child), why="the runner has ended both")
    assert state_of(runner.spawner) == "T"
    os.kill(runner.spawner, signal.SIGCONT)
    eventually(lambda: "answer=lease_lost" in runner.output, why="the slot is free again")


def test_a_killed_spawner_is_replaced_and_its_runs_begin_again(place: Place) -> None:
    place.flows(SLEEPS_AT_FIRST)
    runner = place.start()
    run_id = place.submit()
    pid = int(eventually(lambda: place.note("began-1")))
    os.kill(runner.spawner, signal.SIGKILL)
    run = place.ended(run_id)
    assert (run.state, run.result) == (State.COMPLETED, 2)
    assert is_gone(pid)
    assert "its spawner died" in reasons(run.history)


def test_a_run_that_must_not_run_twice_crashes_with_its_runner(place: Place) -> None:
    place.flows(SLEEPS_AT_FIRST)
    runner = place.start(definition(on_lost="fail"))
    run_id = place.submit()
    eventually(lambda: place.note("began-1"))
    os.kill(runner.pid, signal.SIGKILL)
    assert place.ended(run_id, within=15).state is State.CRASHED


@pytest.mark.long
def test_I4_a_host_suspended_before_a_first_line_does_not_begin_it_when_it_wakes_up(
    place: Place,
) -> None:
    """The server has said yes, the process has not heard it; then nobody has a turn for a lease."""
    place.flows("@flow\ndef work():\n    print(os.getpid(), file=open('began', 'a'), flush=True)\n")
    with Proxies() as proxies:
        proxy = proxies.open(place.server.socket, place.folder / "proxy")
        hold = proxy.hold(script("start_run").sha.encode())
        spec = {"lease_seconds": LEASE, "url": proxy.url}
        first = place.start(definition(isolation="spawn"), **spec)
        run_id = place.submit()
        assert hold.reached.wait(60)
        spawner = first.spawner
        (suspended,) = children(spawner)
        os.kill(suspended, signal.SIGSTOP)
        proxy.release(hold)
        place.in_state(run_id, State.RUNNING)
        place.ended(place.submit())  # its runner has heard both answers, and has told the process
        for pid in (first.pid, spawner):
            os.kill(pid, signal.SIGSTOP)
        place.start(lease_seconds=LEASE)
        assert place.ended(run_id).state is State.COMPLETED
        os.kill(suspended, signal.SIGCONT)  # of all its host, it has the first turn
        gone([suspended])
        for pid in (spawner, first.pid):
            os.kill(pid, signal.SIGCONT)
        assert str(suspended) not in place.note("began").split()
        first.end()
