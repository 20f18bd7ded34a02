"""Hooks of runs whose processes died before they could call them."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from orchestrator.model.ids import deployment_id
from orchestrator.model.states import State
from orchestrator.store.keys import RETENTION_MS
from orchestrator.store.leases import look
from orchestrator.store.runs import cancel_run
from orchestrator.store.vigil import Dead, bury
from tests.runner.serving import Place, definition
from tests.support import eventually
from tests.support.processes import gone, tree

LEASE = 2.0
NOTING = """
def noted(kind):
    def hook(flow, run, state):
        with open("noted", "a") as file:
            print(kind, flow.name, run.id, state.name, state.type, run.parameters, file=file)
        print(f"{kind}: {state.message}")
    return hook

KINDS = ("on_completion", "on_failure", "on_cancellation", "on_crashed")

@flow(name="it", **{kind: [noted(kind)] for kind in KINDS})
def work(deed: str = "pass"):
    Path("began").write_text(str(os.getpid()))
    exec(deed)
"""
DIES = "os.kill(os.getpid(), 9)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w'); time.sleep(600)"


def noted(place: Place) -> list[list[str]]:
    """Kind, flow, run, state and type of each hook that was called."""
    return [line.split()[:5] for line in place.note("noted").splitlines()]


def called(place: Place) -> list[list[str]]:
    """The same, waited for."""
    return eventually(lambda: noted(place), within=60, why="a hook was called")


def test_a_crash_is_told_in_a_fresh_process_and_in_the_log(place: Place) -> None:
    place.flows(NOTING)
    place.start()
    run_id = place.submit(deed=DIES)
    assert place.ended(run_id).state is State.CRASHED
    assert called(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]
    assert DIES in place.note("noted"), "the parameters of the run"
    told = "on_crashed: killed by signal 9, possibly out of memory"
    eventually(lambda: told in place.texts(run_id), within=60, why="what it printed is stored")


def test_who_dies_of_a_stranger_s_signal_has_crashed_and_calls_its_hooks_itself(
    place: Place,
) -> None:
    place.flows(NOTING)
    place.start(definition(retries=1))
    run_id = place.submit(deed="os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)")
    run = place.ended(run_id)
    assert (run.state, run.attempt) == (State.CRASHED, 2)
    assert called(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]
    told = "on_crashed: killed by SIGTERM, which its runner did not send"
    eventually(lambda: told in place.texts(run_id), within=60, why="what it printed is stored")


def test_only_the_last_attempt_has_crashed(place: Place) -> None:
    place.flows(NOTING)
    place.start(definition(retries=2))
    run_id = place.submit(deed=DIES)
    assert place.ended(run_id, within=60).attempt == 3
    called(place)
    assert place.ended(place.submit()).state is State.COMPLETED
    eventually(lambda: len(noted(place)) == 2, why="the other run's hook was called after it")
    assert [line[0] for line in noted(place)] == ["on_crashed", "on_completion"]


@pytest.mark.parametrize(
    ("options", "hook"),
    [
        ({}, ["on_cancellation", "Cancelled", "CANCELLED"]),
        ({"timeout_seconds": 1.0}, ["on_failure", "TimedOut", "FAILED"]),
    ],
)
def test_who_is_killed_after_its_grace_has_its_hooks_called(
    place: Place, options: dict[str, Any], hook: list[str]
) -> None:
    place.flows(NOTING)
    place.start(definition(cancel_grace_seconds=0.2, **options))
    run_id = place.submit(deed=DEAF)
    eventually((place.folder / "deaf").exists, within=60, why="it ignores SIGTERM")
    if not options:
        place.store.call(cancel_run(run_id, "test"))
    place.ended(run_id, within=60)
    assert called(place) == [[hook[0], "it", run_id, *hook[1:]]]


def test_a_run_cancelled_before_it_began_has_nothing_to_tell(place: Place) -> None:
    place.flows(NOTING)
    place.deploy(definition())
    run_id = place.submit()
    place.store.call(cancel_run(run_id, "test"))
    place.start()
    place.ended(place.submit())
    assert [line[0] for line in called(place)] == ["on_completion"]


def test_a_hook_that_fails_changes_nothing(place: Place) -> None:
    place.flows(
        NOTING.replace("kind: [noted(kind)]", "kind: [bad, noted(kind)]").replace(
            "KINDS =", "def bad(flow, run, state):\n    state.result()\n\nKINDS ="
        )
    )
    place.start()
    run_id = place.submit(deed=DIES)
    called(place)
    run = place.ended(run_id)
    assert (run.state, run.reason) == (State.CRASHED, "killed by signal 9, possibly out of memory")
    eventually(lambda: any("bad failed at Crashed" in text for text in place.texts(run_id)))


def test_a_run_lost_with_its_host_is_told_by_who_reaps_it(place: Place) -> None:
    place.flows(NOTING)
    lost = definition(on_lost="fail")
    first = place.start(lost, lease_seconds=LEASE)
    run_id = place.submit(deed=DEAF)
    pid = int(eventually(lambda: place.note("began")))
    place.start(lost, lease_seconds=LEASE)
    family = [first.pid, *tree(first.pid)]
    for each in family:
        os.kill(each, signal.SIGSTOP)
    for each in reversed(family):
        os.kill(each, signal.SIGKILL)
    gone([pid])
    assert place.ended(run_id, within=60).state is State.CRASHED
    assert called(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]


def test_a_run_lost_with_its_spawner_is_told_by_the_next_one(place: Place) -> None:
    place.flows(NOTING)
    runner = place.start(definition(on_lost="fail"))
    run_id = place.submit(deed=DEAF)
    eventually(lambda: place.note("began"))
    os.kill(runner.spawner, signal.SIGKILL)
    assert place.ended(run_id, within=60).state is State.CRASHED
    assert called(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]


def test_a_run_lost_with_its_runner_is_told_by_its_spawner(place: Place) -> None:
    place.flows(NOTING)
    runner = place.start(definition(on_lost="fail"))
    run_id = place.submit(deed=DEAF)
    eventually(lambda: place.note("began"))
    os.kill(runner.pid, signal.SIGKILL)
    assert place.ended(run_id, within=60).state is State.CRASHED
    assert called(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]
    eventually(lambda: "on_crashed: its runner died" in runner.output, within=60)


@pytest.mark.parametrize("cancelled", [pytest.param(False, marks=pytest.mark.long), True])
def test_the_next_runner_tells_what_ended_while_none_lived(place: Place, cancelled: bool) -> None:
    """As the leading scheduler ends it: nobody with the code is there."""
    place.flows(NOTING)
    last = definition(on_lost="fail")
    first = place.start(last)
    run_id = place.submit(deed=DEAF)
    pid = int(eventually(lambda: place.note("began")))
    family = [first.pid, *tree(first.pid)]
    for each in family:
        os.kill(each, signal.SIGSTOP)
    for each in reversed(family):
        os.kill(each, signal.SIGKILL)
    gone([pid])
    if cancelled:
        place.store.call(cancel_run(run_id, "test"))
    (seen,) = place.store.call(look(deployment_id(last.full_name), None)).leases
    place.store.follow(bury(deployment_id(last.full_name), Dead((seen,), ()), RETENTION_MS))
    state, kind = ("Cancelled", "on_cancellation") if cancelled else ("Crashed", "on_crashed")
    assert place.ended(run_id).state == state

    place.start(last)
    assert called(place) == [[kind, "it", run_id, state, state.upper()]]
    place.start(last)
    place.ended(place.submit())
    eventually(lambda: len(noted(place)) == 2, why="the other run's hook was called after it")
    assert [line[0] for line in noted(place)] == [kind, "on_completion"], "once"


def test_a_draining_runner_waits_for_hooks(place: Place) -> None:
    place.flows(NOTING.replace('with open("noted"', 'time.sleep(1)\n        with open("noted"'))
    runner = place.start()
    run_id = place.submit(deed=f"time.sleep(0.5); {DIES}")
    eventually(lambda: place.note("began"))
    assert runner.drain() == 0
    assert noted(place) == [["on_crashed", "it", run_id, "Crashed", "CRASHED"]]
