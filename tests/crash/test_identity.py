"""A server that came back without its latest writes: no run executes twice at the same time (I4).

A killed server loses nothing that it answered, so what a power failure does is done by hand: the
end of its append-only file goes. The hard cases are those in which an owner cannot hear of it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.deployments import hold_deployment
from tests.runner.serving import NAME, Place, Runner
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

D = deployment_id(NAME)
LEASE = 1.5
STILL_NS = 200_000_000
"""A process that has not ticked for so long stood still."""
FLOW = """
@flow
def work():
    token = f"{os.getpid()}"
    with open("ticks", "a", buffering=1) as file:
        while not Path("go").exists():
            file.write(f"{token} {time.monotonic_ns()}\\n")
            time.sleep(0.005)
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    options = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    server = Server(options=options).start()
    place = Place(server, tmp_path)
    place.flows(FLOW)
    yield place
    place.end()
    server.stop()


def written(server: Server) -> int:
    """How much the server has written down."""
    return log_of(server).stat().st_size


def forget(server: Server, kept: int) -> None:
    """The server dies and comes back with so much of what it had written down."""
    server.kill()
    os.truncate(log_of(server), kept)
    server.start()


def log_of(server: Server) -> Path:
    (file,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    return file


def two_runners(place: Place) -> dict[str, Runner]:
    """By the names under which they own runs."""
    started = [place.start(lease_seconds=LEASE, limit=1) for _ in range(2)]
    pids = {str(runner.pid): runner for runner in started}
    registered = place.deployment().runners
    return {name: pids[name.split("-")[-2]] for name in registered}


def owner(place: Place, run: RunId, among: dict[str, Runner]) -> Runner:
    runner = place.in_state(run, State.RUNNING).runner
    assert runner is not None
    return among[runner]


def held(place: Place, flag: bool) -> None:
    assert place.store.call(hold_deployment(D, flag, "test")) == "ok"


def let_it_end(place: Place, run: RunId) -> Run:
    """Somebody executes it for a while longer, so that whoever could do so beside him does."""
    before = len(place.note("ticks").splitlines())
    eventually(lambda: len(place.note("ticks").splitlines()) > before + 200, within=30)
    (place.folder / "go").touch()
    return place.ended(run, within=30)


def turns_of(ticks: list[int]) -> Iterator[tuple[int, int]]:
    """When a process executed: a frozen one may go on after another, and then has two turns."""
    begin = before = ticks[0]
    for at in ticks[1:]:
        if at - before > STILL_NS:
            yield begin, before
            begin = at
        before = at
    yield begin, before


def assert_one_at_a_time(place: Place) -> None:
    """The processes that executed took turns."""
    ticks: dict[str, list[int]] = {}
    for line in place.note("ticks").splitlines():
        process, at = line.split()
        ticks.setdefault(process, []).append(int(at))
    turns = sorted(turn for each in ticks.values() for turn in turns_of(each))
    for (_, end), (begin, _) in pairwise(turns):
        assert end < begin, f"executed at the same time: {ticks.keys()}"
    with open_client(place.server.url) as client:
        assert_invariants(client)


@pytest.mark.parametrize("hears", [True, False], ids=["its owner hears", "its owner stands still"])
def test_I4_a_claim_that_was_forgotten(place: Place, hears: bool) -> None:
    runners = two_runners(place)
    held(place, True)
    run = place.submit()
    kept = written(place.server)
    held(place, False)
    victim = owner(place, run, runners)
    if not hears:
        victim.send(signal.SIGSTOP)
    forget(place.server, kept)
    held(place, False)

    again = place.in_state(run, State.RUNNING, within=20)
    victim.send(signal.SIGCONT)
    assert let_it_end(place, run).state is State.COMPLETED
    assert again.attempt == 1, "the server knows of no earlier one"
    assert_one_at_a_time(place)


def test_I4_a_recovery_that_was_forgotten_does_not_wake_the_first_owner_beside_the_second(
    place: Place,
) -> None:
    runners = two_runners(place)
    run = place.submit()
    first = owner(place, run, runners)
    kept = written(place.server)
    first.send(signal.SIGSTOP)
    eventually(lambda: place.run(run).attempt == 2, why="its lease ran out", within=20)
    second = owner(place, run, runners)
    assert second is not first
    second.send(signal.SIGSTOP)
    forget(place.server, kept)
    first.send(signal.SIGCONT)

    assert let_it_end(place, run).state is State.COMPLETED
    second.send(signal.SIGCONT)
    assert_one_at_a_time(place)


def test_I4_everything_is_forgotten_while_two_execute(place: Place) -> None:
    """FLUSHALL: what has no record is stopped, then the runners claim again; asked for again under
    the same id, a run does not execute beside itself."""
    two_runners(place)
    run = place.submit()
    place.in_state(run, State.RUNNING)
    with open_client(place.server.url) as client:
        client.flushall()
    eventually(place.deployment, why="the runners register again")
    again = place.submit_as(run)
    assert let_it_end(place, again).state is State.COMPLETED
    assert_one_at_a_time(place)
