"""A runner that is told from afar to finish its runs and leave."""

from __future__ import annotations

import signal
from typing import Any

from orchestrator.model.ids import RunId, RunnerId
from orchestrator.model.states import State
from orchestrator.store.runners import drain_runner, read_runners
from tests.runner.serving import Place, Runner
from tests.support import eventually

SLEEPS = """
@flow
def work(seconds):
    Path("began").write_text("yes")
    time.sleep(seconds)
    return "slept"
"""


def draining(place: Place, seconds: float, **changes: Any) -> tuple[Runner, RunId]:
    """A runner that was told to drain while it has a run."""
    place.flows(SLEEPS)
    runner = place.start(**changes)
    run_id = place.submit(seconds=seconds)
    eventually(lambda: place.note("began"))
    (name,) = place.deployment().runners
    assert place.store.follow(drain_runner(RunnerId(name), "test")) == "ok"
    eventually(lambda: "Draining." in runner.output, why="it hears it at once")
    return runner, run_id


def test_it_finishes_its_runs_claims_nothing_more_and_leaves(place: Place) -> None:
    runner, run_id = draining(place, seconds=1)
    waiting = place.submit(seconds=0)
    (record,) = place.store.follow(read_runners())

    assert record.draining
    assert runner.process.wait(10) == 0
    assert place.run(run_id).state is State.COMPLETED
    assert place.run(waiting).state is State.SCHEDULED
    assert place.deployment().runners == ()


def test_what_does_not_finish_in_time_goes_back(place: Place) -> None:
    runner, run_id = draining(place, seconds=60, shutdown_grace_seconds=0.2)

    assert runner.process.wait(10) == 0
    assert place.run(run_id).state is State.SCHEDULED


def test_the_first_signal_of_a_draining_runner_is_not_its_second(place: Place) -> None:
    runner, run_id = draining(place, seconds=1)
    runner.send(signal.SIGTERM)

    assert runner.process.wait(10) == 0
    assert place.run(run_id).state is State.COMPLETED


def test_its_second_signal_stops_at_once(place: Place) -> None:
    runner, run_id = draining(place, seconds=60)
    runner.send(signal.SIGTERM)
    runner.send(signal.SIGINT)

    assert runner.process.wait(5) == 130
    assert place.run(run_id).state is State.SCHEDULED
