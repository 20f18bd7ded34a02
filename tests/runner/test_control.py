"""What people do to a run while it runs."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.states import State
from orchestrator.store import keys
from orchestrator.store.deployments import hold_deployment
from orchestrator.store.requests import Request
from orchestrator.store.runs import cancel_run, pause_run, resume_run
from tests.runner.serving import NAME, Place, definition, states
from tests.support import eventually
from tests.support.processes import state_of

SLEEPS = """
@flow
def work():
    Path("began").write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        Path("cleaned").write_text("up")
"""
COUNTS = """
@flow
def work():
    for n in range(1000):
        Path("count").write_text(str(n))
        time.sleep(0.01)
        if Path("enough").exists():
            return n
"""
LEASE = 2.0


def without_message(request: Request[Any]) -> Request[Any]:
    """The same change, with its message on the control channel going elsewhere."""
    channel = keys.control(deployment_id(NAME))
    words = tuple("nobody-listens" if word == channel else word for word in request.words)
    assert words != request.words
    return replace(request, words=words)


def stopped(place: Place) -> bool:
    """Whether the run process is in state T."""
    pid = place.note("pid") or place.note("began")
    return state_of(pid) == "T"


def test_a_cancelled_run_cleans_up_and_ends(place: Place) -> None:
    place.flows(SLEEPS)
    place.start()
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    assert place.store.call(cancel_run(run_id, "test")) == "cancelling"
    run = place.ended(run_id)
    assert (run.state, place.note("cleaned")) == (State.CANCELLED, "up")
    assert states(run)[-2:] == ["Cancelling", "Cancelled"]


def test_a_lost_message_only_delays_a_cancel_until_the_next_beat(place: Place) -> None:
    place.flows(SLEEPS)
    place.start(lease_seconds=LEASE)
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    assert place.store.call(without_message(cancel_run(run_id, "test"))) == "cancelling"
    assert place.ended(run_id, within=LEASE).state is State.CANCELLED


def test_a_run_that_ignores_the_signal_is_killed_after_its_grace(place: Place) -> None:
    place.flows("""
@flow
def work():
    Path("began").write_text("yes")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
""")
    place.start(definition(cancel_grace_seconds=0.2))
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    place.store.call(cancel_run(run_id, "test"))
    assert place.ended(run_id).state is State.CANCELLED


@pytest.mark.parametrize("retries", [0, 3])
def test_a_cancelled_run_is_not_retried(place: Place, retries: int) -> None:
    place.flows("""
@flow
def work():
    Path("began").write_text("yes")
    try:
        time.sleep(60)
    except BaseException:
        raise ValueError("in the way")
""")
    place.start(definition(retries=retries))
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    place.store.call(cancel_run(run_id, "test"))
    run = place.ended(run_id)
    assert (run.state, run.attempt) == (State.CANCELLED, 1)


def test_a_paused_run_stands_still_until_resumed(place: Place) -> None:
    place.flows(COUNTS.replace("for n", 'Path("pid").write_text(str(os.getpid()))\n    for n'))
    place.start(lease_seconds=LEASE)
    run_id = place.submit()
    eventually(lambda: place.note("count"))
    assert place.store.call(pause_run(run_id, "test")) == "ok"
    eventually(lambda: stopped(place), why="the process stands still")
    assert place.store.call(without_message(resume_run(run_id, "test"))) == "ok"
    eventually(lambda: not stopped(place), why="the process goes on")
    (place.folder / "enough").touch()
    run = place.ended(run_id)
    assert run.state is State.COMPLETED
    assert states(run)[-3:] == ["Paused", "Running", "Completed"]


def test_a_run_pauses_itself_and_goes_on_when_resumed(place: Place) -> None:
    place.flows("""
from orchestrator import pause_run
@flow
def work():
    Path("pid").write_text(str(os.getpid()))
    pause_run()
    Path("resumed").touch()
    return "went on"
""")
    place.start(lease_seconds=LEASE)
    run_id = place.submit()
    eventually(lambda: place.note("pid") and stopped(place), why="the process stands still")
    assert place.run(run_id).state is State.PAUSED
    assert not (place.folder / "resumed").exists()
    assert place.store.call(resume_run(run_id, "test")) == "ok"
    run = place.ended(run_id)
    assert (run.state, run.result) == (State.COMPLETED, "went on")
    assert states(run)[-3:] == ["Paused", "Running", "Completed"]


def test_a_paused_run_can_be_cancelled(place: Place) -> None:
    place.flows(SLEEPS)
    place.start()
    run_id = place.submit()
    eventually(lambda: place.note("began"))
    place.store.call(pause_run(run_id, "test"))
    eventually(lambda: stopped(place))
    place.store.call(cancel_run(run_id, "test"))
    assert place.ended(run_id).state is State.CANCELLED
    assert place.note("cleaned") == "up"


AGAIN = """
@flow
def work():
    attempt = current_run().attempt
    Path(f"began-{attempt}").write_text(str(os.getpid()))
    while attempt == 1:
        time.sleep(0.01)
    return attempt
"""


@pytest.fixture(params=["fork", "spawn"])
def standing(place: Place, request: pytest.FixtureRequest) -> RunId:
    """A run that was paused on a runner that died, and stands still on another one."""
    place.flows(AGAIN)
    work = definition(isolation=request.param)
    first = place.start(work, lease_seconds=LEASE)
    run_id = place.submit()
    pid = eventually(lambda: place.note("began-1"))
    place.store.call(pause_run(run_id, "Ada"))
    eventually(lambda: state_of(pid) == "T")
    first.send(signal.SIGKILL)
    place.start(work, lease_seconds=LEASE)
    eventually(lambda: place.run(run_id).attempt == 2, why="it is taken over")
    run = place.in_state(run_id, State.PAUSED)
    pid = str(run.pid)
    eventually(lambda: state_of(pid) == "T", why="the new process stands still")
    return run_id


def test_what_was_paused_stays_paused_when_its_runner_dies(place: Place, standing: RunId) -> None:
    run = place.run(standing)
    assert (run.reason, run.started_at, place.note("began-2")) == ("paused by Ada", None, "")
    beats = place.beat(standing)
    eventually(lambda: place.beat(standing) > beats + 1, why="its lease is kept")
    assert place.store.call(resume_run(standing, "Bob")) == "ok"
    run = place.ended(standing)
    assert (run.state, run.result) == (State.COMPLETED, 2)
    assert states(run)[-4:] == ["Paused", "Pending", "Running", "Completed"]


def test_what_stands_before_its_first_line_can_be_cancelled(place: Place, standing: RunId) -> None:
    pid = place.run(standing).pid
    assert pid is not None
    place.store.call(cancel_run(standing, "test"))
    assert place.ended(standing).state is State.CANCELLED
    assert place.note("began-2") == ""
    assert not Path(f"/proc/{pid}").exists()


def test_a_held_deployment_begins_nothing_until_released(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 1\n")
    place.start()
    d = deployment_id(NAME)
    assert place.store.call(hold_deployment(d, True, "test")) == "ok"
    run_id = place.submit()
    assert place.run(run_id).state is State.SCHEDULED
    assert place.store.call(hold_deployment(d, False, "test")) == "ok"
    assert place.ended(run_id).state is State.COMPLETED


@pytest.fixture
def slow_to_begin(place: Place) -> Place:
    """Each run starts a fresh interpreter that imports this first."""
    place.flows("""
import time
while not Path("may-begin").exists():
    time.sleep(0.01)
@flow
def work():
    Path("began").write_text("yes")
""")
    (place.folder / "may-begin").touch()
    place.start(definition(isolation="spawn"))
    (place.folder / "may-begin").unlink()
    return place


def test_I9_a_run_cancelled_before_its_start_never_begins(slow_to_begin: Place) -> None:
    place = slow_to_begin
    run_id = place.submit()
    place.in_state(run_id, State.PENDING)
    assert place.store.call(without_message(cancel_run(run_id, "test"))) == "cancelling"
    (place.folder / "may-begin").touch()
    run = place.ended(run_id)
    assert (run.state, place.note("began")) == (State.CANCELLED, "")


def test_I10_a_run_claimed_before_a_hold_does_not_start_under_it(slow_to_begin: Place) -> None:
    place = slow_to_begin
    run_id = place.submit()
    place.in_state(run_id, State.PENDING)
    d = deployment_id(NAME)
    place.store.call(hold_deployment(d, True, "test"))
    (place.folder / "may-begin").touch()
    run = place.in_state(run_id, State.SCHEDULED)
    assert (run.reason, place.note("began")) == ("held", "")
    place.store.call(hold_deployment(d, False, "test"))
    assert place.ended(run_id).attempt == 1
