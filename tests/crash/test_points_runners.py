"""A runner, or its spawner, dies before any command that the runner sends (I1, I4, I6, I11, I16).

The commands are sent as packets of the spawner and messages of run processes come in, so the gaps
between them are those of its pipes as well: claimed and not forked, forked and not started, ended
and not written, asked to leave and not gone. Lost answers: ``tests/runner/test_lost_replies.py``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from tests.crash.gaps import Gap, every_gap, one_gap
from tests.runner.serving import Place, Runner, definition
from tests.support import Server
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client
from tests.support.processes import children, gone, tree

Victim = Literal["runner", "spawner"]
LEASE = 2.0
QUICK, LASTING = "quick/test", "lasting/test"
SERVED = (definition(QUICK, retries=1), definition(LASTING))
FLOWS = """
import contextlib, fcntl

@contextlib.contextmanager
def alone():
    name = current_run().id
    with open(f"{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            Path("overlap").write_text(name)
        with open(f"{name}.began", "a") as file:
            file.write("x")
        yield

@flow
def quick():
    with alone():
        print("said")
        if current_run().attempt == 1:
            raise ValueError("once")

@flow
def lasting():
    with alone():
        while not Path("go").exists():
            time.sleep(0.01)
"""


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    place.flows(FLOWS)
    yield place
    place.end()


def lives(place: Place, gap: Gap, victim: Victim) -> None:
    """One run fails and is tried again, another is handed back when the runner is told to leave."""
    (place.folder / "go").unlink(missing_ok=True)
    place.deploy(*SERVED)
    quick, lasting = place.submit(QUICK), place.submit(LASTING)
    spec = place.spec(*SERVED, url=gap.url, lease_seconds=LEASE, shutdown_grace_seconds=0.1)
    runner = place.launch(spec.to_json())
    if not gap.reached_or(lambda: both_are_there(place, quick, lasting)):
        runner.send(signal.SIGTERM)
        gap.reached_or(lambda: runner.process.poll() is not None)
    if gap.is_reached:
        dies(runner, gap, victim)
    place.start(*SERVED, lease_seconds=LEASE)
    assert place.ended(quick, within=60).state is State.COMPLETED
    (place.folder / "go").touch()
    assert place.ended(lasting, within=60).state is State.COMPLETED
    assert not place.note("overlap")
    assert_budgets(place, quick, lasting)


def both_are_there(place: Place, quick: RunId, lasting: RunId) -> bool:
    return place.run(quick).is_final and place.run(lasting).state is State.RUNNING


def dies(runner: Runner, gap: Gap, victim: Victim) -> None:
    family = tree(runner.pid)
    if victim == "runner":
        runner.process.kill()
        runner.process.wait()
        gone(family, within=30)
    else:
        for spawner in children(runner.pid)[:1]:
            with suppress(ProcessLookupError):  # it ends by itself when the runner leaves
                os.kill(spawner, signal.SIGKILL)
        gap.release()


def assert_budgets(place: Place, quick: RunId, lasting: RunId) -> None:
    """One death costs one recovery at most, and a hand-back begins the same attempt again."""
    for run_id, failures in ((quick, 1), (lasting, 0)):
        run = place.run(run_id)
        assert run.attempt <= 1 + failures + 1
        assert len(place.note(f"{run_id}.began")) <= run.attempt + 1
    with open_client(place.server.url) as client:
        assert_invariants(client)


def end_runners(place: Place) -> None:
    for runner in place.started:
        family = tree(runner.pid)
        runner.end()
        gone(family, within=30)
    place.started.clear()


@pytest.mark.parametrize(("victim", "number"), [("runner", 12), ("spawner", 14)])
def test_it_may_die(place: Place, server: Server, victim: Victim, number: int) -> None:
    with one_gap(server, number, "killed before") as gap:
        lives(place, gap, victim)
        assert gap.is_reached


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("victim", ["runner", "spawner"])
def test_it_may_die_anywhere(place: Place, server: Server, victim: Victim, first: int) -> None:
    met = 0
    for gap in every_gap(server, "killed before", first, step=2):
        lives(place, gap, victim)
        end_runners(place)
        with open_client(server.url) as client:
            client.flushall()
        met += gap.is_reached
    assert met > 15
