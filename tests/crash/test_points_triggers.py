"""A scheduler is killed between two of its commands while it copies events and fires triggers, or
an answer to it is lost: each trigger fires once (I24). The gaps are met one by one in
``tests/scheduler/test_trigger_gaps.py``; here real processes die in some of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.store import events, keys
from orchestrator.store.requests import command, nothing
from tests.crash.gaps import Gap, Harm, every_gap, one_gap
from tests.scheduler.scheduling import Place
from tests.scheduler.test_trigger_gaps import EXPECTED, failures, made, prepare
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    place = Place(server)
    yield place
    place.end()


def is_done(place: Place) -> bool:
    return made(place.store) == EXPECTED and len(failures(place.store)) == 6


def goes_by(place: Place, gap: Gap, harm: Harm) -> None:
    with open_client(place.server.url) as client:
        client.flushall()
    prepare(place.store)
    first = place.start(ORCHESTRATOR_REDIS_URL=gap.url)
    if gap.reached_or(lambda: is_done(place)) and harm == "killed before":
        first.kill()
        # The lead would end by itself, after seconds.
        place.store.call(command(nothing, "DEL", keys.LEADER))
        place.start()
    eventually(lambda: is_done(place), within=60, why=f"gap {gap.number}: {made(place.store)}")
    place.end_schedulers()
    assert is_done(place), "nothing is made twice"
    ids = [event.id for event in place.store.follow(events.list_events(10_000))]
    assert len(ids) == len(set(ids)), "each event came once"
    with open_client(place.server.url) as client:
        assert_invariants(client)


@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
def test_I24_a_scheduler_may_die_while_it_fires(place: Place, server: Server, harm: Harm) -> None:
    with one_gap(server, 60, harm) as gap:
        goes_by(place, gap, harm)
        assert gap.is_reached


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
def test_I24_a_scheduler_may_die_in_every_eleventh_gap(
    place: Place, server: Server, harm: Harm
) -> None:
    met = 0
    for gap in every_gap(server, harm, 4, 11):
        goes_by(place, gap, harm)
        met += gap.is_reached
    assert met > 5
