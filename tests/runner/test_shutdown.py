"""How a runner ends when it is asked to: nothing lost, nothing left behind."""

from __future__ import annotations

import os
import signal

import pytest

from orchestrator.model.deployment import DeploymentDefinition, FlowOptions, ScheduleDefinition
from orchestrator.model.states import State
from tests.runner.serving import NAME, Place, definition, reasons, states
from tests.support import eventually
from tests.support.processes import gone, tree

SLEEPS = """
@flow
def work(seconds=60):
    Path("began").write_text("yes")
    time.sleep(seconds)
    return "slept"
"""


NOTES_ITS_HOOKS = """
def note(flow, run, state):
    print(state.name, file=open("hooks", "a"))

HOOKS = {kind: [note] for kind in ("on_cancellation", "on_crashed", "on_failure")}
"""


def test_the_first_signal_lets_runs_finish_and_claims_nothing_more(place: Place) -> None:
    place.flows(SLEEPS)
    runner = place.start()
    running = place.submit(seconds=0.5)
    eventually(lambda: place.note("began"))
    runner.send(signal.SIGTERM)
    eventually(lambda: "Draining." in runner.output)
    waiting = place.submit(seconds=0)
    assert runner.ends(10) == 0
    assert place.run(running).state is State.COMPLETED
    assert place.run(waiting).state is State.SCHEDULED
    assert place.deployment().runners == ()


def test_what_does_not_finish_in_time_goes_back_under_the_same_attempt(place: Place) -> None:
    place.flows(SLEEPS)
    first = place.start(shutdown_grace_seconds=0.2)
    run_id = place.submit(seconds=60)
    eventually(lambda: place.note("began"))
    assert first.drain() == 0
    run = place.run(run_id)
    assert run.state is State.SCHEDULED
    assert "its runner was shut down" in reasons(run.history)

    place.flows("@flow\ndef work(seconds):\n    return current_run().attempt\n")
    place.start()
    run = place.ended(run_id)
    assert (run.result, run.attempt) == (1, 1)


def test_a_run_that_is_signalled_together_with_its_runner_goes_back_too(place: Place) -> None:
    """As a service manager does that signals every process of a service."""
    place.flows(NOTES_ITS_HOOKS + SLEEPS.replace("@flow", "@flow(**HOOKS)"))
    runner = place.start()
    run_id = place.submit(seconds=60)
    eventually(lambda: place.note("began"))
    runner.send(signal.SIGTERM)
    eventually(lambda: "Draining." in runner.output)
    process = place.run(run_id).pid
    assert process is not None
    os.kill(process, signal.SIGTERM)
    assert runner.ends(30) == 0
    run = place.run(run_id)
    assert (run.state, run.attempt) == (State.SCHEDULED, 1)
    assert "its runner was shut down" in reasons(run.history)
    assert place.note("hooks") == "", "it begins again: nothing has ended"


def test_the_second_signal_stops_at_once(place: Place) -> None:
    place.flows(SLEEPS)
    runner = place.start()
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    processes = tree(runner.pid)
    runner.send(signal.SIGINT)
    eventually(lambda: "Draining." in runner.output)
    runner.send(signal.SIGINT)
    assert runner.ends(2) == 130
    gone(processes)
    assert place.run(run_id).state is State.SCHEDULED


def test_when_the_serving_script_dies_the_runner_leaves_within_two_seconds(place: Place) -> None:
    place.flows(SLEEPS)
    runner = place.start()
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    processes = tree(runner.pid)
    runner.script_dies()
    assert runner.ends(2) == 0
    gone(processes)
    assert place.run(run_id).state is State.SCHEDULED
    deployment = place.deployment()
    assert (deployment.paused_by, deployment.runners) == ("shutdown", ())


def test_a_drained_run_that_fails_to_be_stopped_is_killed(place: Place) -> None:
    place.flows("""
@flow
def work():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("began").write_text("yes")
    time.sleep(60)
""")
    runner = place.start(shutdown_grace_seconds=0.1)
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    assert runner.drain() == 0
    assert place.run(run_id).state is State.SCHEDULED


def hourly() -> DeploymentDefinition:
    rule = ScheduleDefinition(slug="hourly", kind="interval", expression="3600", timezone="UTC")
    return DeploymentDefinition(
        flow="work",
        name="test",
        entrypoint="flows.py:work",
        schedules=(rule,),
        options=FlowOptions(),
    )


@pytest.mark.parametrize(("pauses", "by"), [(True, "shutdown"), (False, None)])
def test_the_last_runner_pauses_the_schedules_if_it_is_to(
    place: Place, pauses: bool, by: str | None
) -> None:
    place.flows(SLEEPS)
    first, last = [place.start(hourly(), pause_on_shutdown=pauses) for _ in range(2)]
    assert first.drain() == 0
    assert place.deployment().paused_by is None
    assert last.drain() == 0
    assert place.deployment().paused_by == by
    place.start(hourly(), pause_on_shutdown=pauses)
    assert place.deployment().paused_by is None


def test_exit_codes_of_runners_that_never_serve(place: Place) -> None:
    place.flows(SLEEPS)
    assert place.launch({"no": "spec"}).ends(10) == 2
    nowhere = place.spec(url="unix:///nowhere/at-all.sock")
    assert place.launch(nowhere.to_json()).ends(10) == 3


def test_nothing_of_a_drained_runner_is_left(place: Place) -> None:
    place.flows(SLEEPS)
    runner = place.start(definition(NAME))
    run_id = place.submit(seconds=0)
    assert states(place.ended(run_id))[-1] == "Completed"
    processes = tree(runner.pid)
    assert runner.drain() == 0
    gone(processes)


def test_an_import_that_never_ends_does_not_keep_the_runner(place: Place) -> None:
    place.flows("Path('importing').touch()\ntime.sleep(60)\n@flow\ndef work(): ...\n")
    runner = place.launch(place.spec().to_json())
    eventually((place.folder / "importing").exists)
    eventually(lambda: place.deployment() and place.deployment().runners)
    processes = tree(runner.pid)
    assert runner.drain() == 0
    gone(processes)
