"""kill -9 for every process of a runner: no run is lost, none runs twice at a time."""

from __future__ import annotations

import os
import signal

from orchestrator.model.states import State
from tests.runner.serving import Place, definition, reasons
from tests.support import eventually
from tests.support.processes import gone, is_gone, tree

LEASE = 2.0
SLEEPS_AT_FIRST = """
@flow
def work():
    Path(f"began-{current_run().attempt}").write_text(str(os.getpid()))
    if current_run().attempt == 1:
        time.sleep(60)
    return current_run().attempt
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
    with open(f"/proc/{pid}/stat") as file:
        assert file.read().rpartition(")")[2].split()[0] == "T", "it ran beside its successor"
    os.kill(first.pid, signal.SIGCONT)
    gone([pid])
    assert place.ended(run_id).result == 2
    eventually(lambda: len(place.deployment().runners) == 2, why="the first registers anew")


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
