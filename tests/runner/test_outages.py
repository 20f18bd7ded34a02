"""The server is away for a while: nothing is lost, and nothing runs outside its lease."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.model.states import State
from orchestrator.store.events import list_events
from tests.runner.serving import Place, definition
from tests.support import Server, eventually
from tests.support.processes import state_of

LEASE = 2.0


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Place]:
    """A place whose server is its own, and forgets nothing when it is killed."""
    server = Server(
        options=("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    ).start()
    place = Place(server, tmp_path)
    yield place
    place.end()
    server.stop()


def stands_still(pid: str) -> bool:
    return state_of(pid) == "T"


def test_an_end_that_could_not_be_written_is_written_later(away: Place) -> None:
    away.flows("""
@flow
def work():
    Path("began").write_text("yes")
    while not Path("may-end").exists():
        time.sleep(0.01)
    print("unwritten")
    Path("ended").write_text("yes")
    return "kept"
""")
    runner = away.start()
    run_id = away.submit()
    eventually(lambda: away.note("began"))
    away.server.kill()
    (away.folder / "may-end").touch()
    eventually(lambda: away.note("ended"))
    eventually(lambda: "The server does not answer" in runner.output)
    away.server.start()
    run = away.ended(run_id)
    assert (run.state, run.result, run.attempt) == (State.COMPLETED, "kept", 1)
    assert away.texts(run_id) == ["unwritten"]
    assert runner.output.count("The server does not answer") == 1
    assert away.ended(away.submit()).state is State.COMPLETED


def test_an_event_that_could_not_be_emitted_is_emitted_later(away: Place) -> None:
    away.flows("""
from orchestrator import emit_event

@flow
def work():
    Path("began").write_text("yes")
    while not Path("may-end").exists():
        time.sleep(0.01)
    return emit_event("order.paid", "4711").id
""")
    runner = away.start()
    run_id = away.submit()
    eventually(lambda: away.note("began"))
    away.server.kill()
    (away.folder / "may-end").touch()
    eventually(lambda: "The server does not answer" in runner.output)
    away.server.start()
    run = away.ended(run_id)
    (event,) = away.store.follow(list_events())
    assert (run.state, run.result) == (State.COMPLETED, event.id)


def test_I4_without_contact_a_run_stands_still_and_goes_on_when_it_is_back(away: Place) -> None:
    away.flows("""
@flow
def work():
    Path("began").write_text(str(os.getpid()))
    while not Path("may-end").exists():
        time.sleep(0.01)
    return current_run().attempt
""")
    away.start(lease_seconds=LEASE)
    run_id = away.submit()
    pid = eventually(lambda: away.note("began"))
    away.server.kill()
    eventually(lambda: stands_still(pid), why="frozen at the deadline")
    away.server.start()
    eventually(lambda: not stands_still(pid), why="goes on under the same lease")
    (away.folder / "may-end").touch()
    run = away.ended(run_id)
    assert (run.state, run.result) == (State.COMPLETED, 1)


def test_a_runner_can_leave_while_the_server_is_away(away: Place) -> None:
    away.flows("@flow\ndef work():\n    time.sleep(60)\n")
    runner = away.start(shutdown_grace_seconds=0.1)
    run_id = away.submit()
    away.in_state(run_id, State.RUNNING)
    away.server.kill()
    runner.send(signal.SIGTERM)
    eventually(lambda: "Draining." in runner.output)
    os.kill(runner.pid, signal.SIGTERM)
    assert runner.ends(4) == 130
    away.server.start()
    assert away.run(run_id).state is State.RUNNING  # whoever watches its lease brings it back


def is_served(place: Place, name: str) -> bool:
    deployment = place.deployment(name)
    return deployment is not None and bool(deployment.runners)


def test_a_server_that_forgot_all_is_spoken_of_once(away: Place) -> None:
    """However many deployments have to wait for their claims, and say nothing of it one by one."""
    away.flows("@flow\ndef work():\n    return 1\n")
    away.server.kill()
    away.server.options = ("--save", "")
    away.server.start()
    names = ("work/one", "work/two", "work/three")
    runner = away.start(*map(definition, names), lease_seconds=LEASE)
    away.server.kill()
    away.server.start()
    for name in names:
        eventually(partial(is_served, away, name))
    runs = [away.submit(name) for name in names]

    assert [away.ended(run).result for run in runs] == [1, 1, 1]
    assert runner.output.count("The server is not the one it was.") == 1


@pytest.mark.long
def test_waiting_for_a_child_outlasts_the_server(away: Place) -> None:
    """Also asking for one: it is asked again under the same id."""
    away.flows("""
from orchestrator import run_deployment

@flow
def parent():
    first = run_deployment("child/test").result_or_raise()
    Path("one").write_text("")
    while not Path("away").exists():
        time.sleep(0.01)
    return [first, run_deployment("child/test").result_or_raise()]

@flow
def child():
    Path("child").write_text("began")
    while not Path("may-end").exists():
        time.sleep(0.01)
    return "done"
""")
    runner = away.start(definition("parent/test"), definition("child/test"))
    parent = away.submit("parent/test")
    eventually(lambda: away.note("child"))
    away.server.kill()
    eventually(lambda: "The server does not answer" in runner.output)
    away.server.start()
    (away.folder / "may-end").touch()
    eventually((away.folder / "one").exists)
    away.server.kill()
    (away.folder / "away").touch()
    eventually(lambda: runner.output.count("The server does not answer") == 2)
    away.server.start()

    run = away.ended(parent, within=60)

    assert (run.result, run.attempt, run.children) == (["done", "done"], 1, 2)
