"""A scheduler dies between any two of its commands, or loses any one answer (I2, I3, I12, I15).

Each scenario makes up for missed instants, goes on with the next ones, and queues a delayed run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from orchestrator.model.ids import RunId, idempotent_run_id
from orchestrator.schedules import Interval
from orchestrator.store import keys
from orchestrator.store.requests import command, nothing
from orchestrator.store.runs import NewRun, submit_later
from tests.crash.gaps import Gap, Harm, every_gap, one_gap
from tests.scheduler.scheduling import Place
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client

EVERY_MS = 250
MISSED_MS = 6_000
"""More than what counts as due, so that there is a backlog."""
FURTHER = 2


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    place = Place(server)
    yield place
    place.end()


def prepare(place: Place) -> RunId:
    """Six seconds without a scheduler are over; the id of a run that waits for its time."""
    with open_client(place.server.url) as client:
        client.flushall()
    d = place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
    (slug,) = (place.schedule(d).definition.slug,)
    place.set_back(d, slug, MISSED_MS)
    run = NewRun(
        deployment_id=d,
        run_id=idempotent_run_id(d, "delayed"),
        parameters="{}",
        scheduled_at=place.now_ms(d) + EVERY_MS,
    )
    place.store.follow(submit_later(run))
    return run.run_id


def is_done(place: Place, delayed: RunId) -> bool:
    """The backlog is made, the schedule goes on, the delayed run is queued."""
    made = [run for run in place.runs() if run.id != delayed]
    (run,) = (run for run in place.runs() if run.id == delayed)
    enough = MISSED_MS // EVERY_MS + FURTHER
    return len(made) >= enough and run.id in place.tickets(run.deployment_id)


def goes_by(place: Place, gap: Gap, harm: Harm) -> None:
    delayed = prepare(place)
    first = place.start(ORCHESTRATOR_REDIS_URL=gap.url)
    if gap.reached_or(lambda: is_done(place, delayed)) and harm == "killed before":
        first.kill()
        # The lead would end by itself, after seconds.
        place.store.call(command(nothing, "DEL", keys.LEADER))
        place.start()
    eventually(lambda: is_done(place, delayed), within=30, why=f"gap {gap.number}")
    place.end_schedulers()
    due = sorted(run.scheduled_at for run in place.runs() if run.id != delayed)
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY_MS}, "each once"
    with open_client(place.server.url) as client:
        assert_invariants(client)


def all_gaps(place: Place, server: Server, harm: Harm, first: int, step: int) -> int:
    met = 0
    for gap in every_gap(server, harm, first, step):
        goes_by(place, gap, harm)
        met += gap.is_reached
    return met


@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
@pytest.mark.parametrize("number", [6, 9])
def test_a_scheduler_may_die(place: Place, server: Server, harm: Harm, number: int) -> None:
    """Two of the gaps: before a tick, and behind one."""
    with one_gap(server, number, harm) as gap:
        goes_by(place, gap, harm)
        assert gap.is_reached


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
@pytest.mark.parametrize("first", [1, 2])
def test_a_scheduler_may_die_anywhere(place: Place, server: Server, harm: Harm, first: int) -> None:
    assert all_gaps(place, server, harm, first, step=2) > 5
