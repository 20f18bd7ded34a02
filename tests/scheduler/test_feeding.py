"""Feeding: everything is copied once, in few pages."""

from __future__ import annotations

import asyncio
from contextlib import closing

from orchestrator import Client
from orchestrator.model.ids import DeploymentId
from orchestrator.store import events, keys
from orchestrator.store.connection import open_async_store
from orchestrator.store.outbox import PAGE
from orchestrator.store.requests import command
from scheduler.feeding import Feeder
from tests.scheduler.scheduling import Place


def submit(place: Place, count: int) -> None:
    with closing(Client(place.server.url)) as client:
        client.create_runs([("flow/test", {})] * count)


def left(place: Place, d: DeploymentId) -> int:
    return place.store.call(command(int, "XLEN", keys.outbox(d)))


def copied(place: Place) -> int:
    return len(place.store.call(events.events_after("", 10 * PAGE)))


def test_a_turn_copies_all_there_is_and_the_next_one_clears_up(place: Place) -> None:
    d = place.deploy()
    submit(place, 2 * PAGE + 1)
    seen = []

    async def work() -> None:
        store = open_async_store(place.server.url)
        feeder = Feeder(store)
        for _ in range(3):
            more = await feeder.turn()
            seen.append((copied(place), left(place, d), more))
        await store.close()

    asyncio.run(work())
    total = 2 * PAGE + 2  # and the deployment itself
    assert seen[0] == (total, total - 2 * PAGE, total)
    assert seen[1:] == [(total, 0, 0)] * 2


def test_what_happens_meanwhile_comes_with_the_next_turn(place: Place) -> None:
    d = place.deploy()

    async def work() -> None:
        store = open_async_store(place.server.url)
        feeder = Feeder(store)
        assert await feeder.turn()
        submit(place, 3)  # the outbox was not cleared yet, so nobody is told
        assert await feeder.turn()
        assert copied(place) == 4
        assert not await feeder.turn()
        await store.close()

    asyncio.run(work())
    assert left(place, d) == 0
