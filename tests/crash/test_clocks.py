"""Wall clocks that are wrong or jump, on hosts and on the server (I18)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from orchestrator.model.states import State
from orchestrator.schedules import Interval
from tests.runner.serving import Place, definition
from tests.scheduler.scheduling import Place as Schedules
from tests.support import Server, eventually
from tests.support.clocks import WrongClock
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client

HOUR = 3600
LEASE = 1.5
RARE, OFTEN = "rare/test", "often/test"
EVERY_MS = 60_000
FLOW = """
@flow
def work(until=""):
    with open("executions", "a") as file:
        file.write("x")
    if current_run().attempt == 1 and not until:
        raise ValueError("once")
    while until and not Path(until).exists():
        time.sleep(0.01)
"""


@pytest.fixture
def clock(tmp_path: Path) -> WrongClock:
    return WrongClock(tmp_path / "clock")


def served(server: Server, folder: Path) -> Iterator[Place]:
    place = Place(server, folder)
    place.flows(FLOW)
    yield place
    place.end()


@pytest.fixture
def jumping(clock: WrongClock) -> Iterator[Server]:
    """A server whose clock can be set."""
    server = Server(environment=clock.environment).start()
    yield server
    server.stop()


@pytest.fixture
def place(jumping: Server, tmp_path: Path) -> Iterator[Place]:
    yield from served(jumping, tmp_path)


@pytest.fixture
def schedules(jumping: Server) -> Iterator[Schedules]:
    schedules = Schedules(jumping)
    yield schedules
    schedules.end()


def retried_once(place: Place) -> None:
    run = place.ended(place.submit(), within=30)
    assert (run.state, run.attempt) == (State.COMPLETED, 2)


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
def test_I18_the_servers_clock_jumps_under_a_run(
    place: Place, clock: WrongClock, jump: int
) -> None:
    """It is neither recovered nor stopped, and what is asked for afterwards runs."""
    place.start(definition(retries=1), lease_seconds=LEASE, limit=2)
    lasting = place.submit(until="go")
    before = place.in_state(lasting, State.RUNNING)
    clock.set(jump)
    beats = eventually(lambda: place.beat(lasting))
    eventually(lambda: place.beat(lasting) > beats + 6, within=30, why="longer than a lease")
    retried_once(place)
    (place.folder / "go").touch()
    after = place.ended(lasting)
    assert (after.state, after.attempt) == (State.COMPLETED, before.attempt)
    assert place.note("executions") == "xxx"
    with open_client(place.server.url) as client:
        assert_invariants(client)


@pytest.mark.long
def test_I18_the_servers_clock_jumps_under_a_scheduler(
    schedules: Schedules, clock: WrongClock
) -> None:
    """An hour that passes at once is made up for once; one that comes twice brings nothing new.
    A lead that the jump has stretched is not waited for."""
    d = schedules.deploy(Interval(EVERY_MS / 1000, catchup="all"), name=RARE)
    first = schedules.start()
    eventually(schedules.leader, why="it leads")
    clock.set(HOUR)
    eventually(lambda: len(schedules.due(RARE)) >= 60, within=30, why="made up for")
    leader = schedules.leader()
    first.send_signal(signal.SIGKILL)
    clock.set(0)
    schedules.start()
    eventually(lambda: schedules.leader() not in (None, leader), within=30, why="it takes over")
    schedules.deploy(Interval(0.2), name=OFTEN)
    eventually(lambda: len(schedules.due(OFTEN)) >= 5, within=30, why="others go on")

    due = schedules.due(RARE)
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY_MS}, "each once"
    assert max(due) <= schedules.now_ms(d) + HOUR * 1000
    with open_client(schedules.server.url) as client:
        assert_invariants(client)


@pytest.mark.long
def test_I18_schedulers_whose_clocks_are_early_late_and_jumping(
    server: Server, tmp_path: Path
) -> None:
    """Only the server's time decides: no instant comes early, none twice, none is left out."""
    clocks = [WrongClock(tmp_path / name) for name in ("early", "late", "jumping")]
    clocks[0].set(HOUR)
    clocks[1].set(-HOUR)
    place = Schedules(server)
    try:
        place.deploy(Interval(0.2, catchup="all"))
        for clock in clocks:
            process = place.start(**clock.environment)
            seen = len(place.due())
            eventually(lambda: len(place.due()) >= seen + 3, within=30, why="it works")  # noqa: B023
            clocks[2].set(HOUR)
            eventually(lambda: len(place.due()) >= seen + 6, within=30, why="it goes on")  # noqa: B023
            clocks[2].set(-HOUR)
            process.kill()
        runs = place.runs()
        due = [run.scheduled_at for run in runs]
        assert {later - earlier for earlier, later in pairwise(due)} == {200}
        assert all(run.created_at >= run.scheduled_at for run in runs), "none early"
    finally:
        place.end()


@pytest.mark.parametrize("offset", [HOUR, -HOUR], ids=["early", "late"])
def test_I18_a_host_with_a_wrong_clock(
    server: Server, tmp_path: Path, clock: WrongClock, offset: int
) -> None:
    """Its retry after a delay comes when the server's clock says so, and its lease holds."""
    clock.set(offset)
    place = Place(server, tmp_path, environment=clock.environment)
    schedules = Schedules(server)
    try:
        place.flows(FLOW)
        place.start(definition(retries=1, retry_delay_seconds=(0.2,)), lease_seconds=LEASE)
        schedules.start()
        retried_once(place)
    finally:
        place.end()
        schedules.end()
