"""Waiting for many runs: an end that was published, one that was missed, and none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from orchestrator.model.errors import RunNotFound, ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.store import keys, runs
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_async_store, open_store
from orchestrator.store.waiting import Waiting
from tests.store.scene import D, Scene, run_id
from tests.support import Server
from tests.support.keyspace import Client


@asynccontextmanager
async def waiting(url: str, patience: float | None = None) -> AsyncIterator[Waiting]:
    """Somebody who waits, with the loops that it takes."""
    store = open_async_store(url)
    ear = store.ear()
    waiting = Waiting(store, ear, patience)

    async def hear() -> None:
        async for channel, text in ear.messages():
            waiting.heard(channel, text)

    tasks = [asyncio.create_task(each) for each in (hear(), waiting.loop())]
    yield waiting
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.close()


def waited(server: Server, act: Callable[[Waiting], Awaitable[list[Run]]]) -> list[Run]:
    async def work() -> list[Run]:
        async with waiting(server.url) as waits:
            return await act(waits)

    return asyncio.run(work())


async def begun(*waits: Awaitable[Run]) -> list[asyncio.Task[Run]]:
    """Tasks that have begun to wait."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.sleep(0)
    return tasks


def test_each_gets_the_end_of_its_run(scene: Scene, every_server: Server) -> None:
    names = [f"run {number}" for number in range(300)]
    for name in names:
        scene.submit(name)
    scene.cancel(names[0])

    async def act(waits: Waiting) -> list[Run]:
        tasks = await begun(*(waits.wait(run_id(each)) for each in [*names, names[0]]))
        await asyncio.to_thread(cancel_all, every_server.url, names[1:])
        return await asyncio.gather(*tasks)

    ended = waited(every_server, act)

    assert [run.id for run in ended] == [run_id(each) for each in [*names, names[0]]]
    assert all(run.is_final for run in ended)


def cancel_all(url: str, names: list[str]) -> None:
    store: Store = open_store(url)
    for name in names:
        store.call(runs.cancel_run(run_id(name), "test"))
    store.close()


def test_the_run_as_it_is_after_the_timeout(scene: Scene, every_server: Server) -> None:
    scene.submit()

    async def act(waits: Waiting) -> list[Run]:
        return [await waits.wait(run_id(), 0.05), await waits.wait(run_id(), 0)]

    assert [run.state for run in waited(every_server, act)] == ["Scheduled", "Scheduled"]


def test_a_run_that_is_gone_is_not_waited_for(scene: Scene, every_server: Server) -> None:
    scene.submit()

    async def act(waits: Waiting) -> list[Run]:
        with pytest.raises(RunNotFound):
            await waits.wait(RunId(f"{D}-{'0' * 21}"))
        (task,) = await begun(waits.wait(run_id()))
        await asyncio.to_thread(cancel_all, every_server.url, ["run"])
        await asyncio.to_thread(delete, every_server.url)
        try:
            return [await task]  # it looked between the two
        except RunNotFound:
            return []

    assert [run.state for run in waited(every_server, act)] in ([], ["Cancelled"])


def delete(url: str) -> None:
    store: Store = open_store(url)
    store.call(runs.delete_run(run_id()))
    store.close()


def test_an_end_during_an_outage_is_found(own_server: Server) -> None:
    own_server.options = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    own_server.kill()
    own_server.start()
    store = open_store(own_server.url)
    scene = Scene(store)
    scene.deploy()
    scene.submit()

    def restart_and_end() -> None:
        own_server.kill()
        own_server.start()
        scene.cancel()

    async def act(waits: Waiting) -> list[Run]:
        (task,) = await begun(waits.wait(run_id()))
        await waits.wait(run_id(), 0.05)
        await asyncio.to_thread(restart_and_end)
        return [await task]

    assert [run.state for run in waited(own_server, act)] == ["Cancelled"]
    store.close()


def test_patience_ends(own_server: Server) -> None:
    store = open_store(own_server.url)
    scene = Scene(store)
    scene.deploy()
    scene.submit()
    store.close()

    async def work() -> None:
        async with waiting(own_server.url, patience=0.1) as waits:
            await waits.wait(run_id(), 0.05)
            (task,) = await begun(waits.wait(run_id()))
            own_server.kill()
            with pytest.raises(ServerUnavailable):
                await task

    asyncio.run(work())


@pytest.mark.damages_keys
def test_a_record_that_cannot_be_read_keeps_nobody_else_waiting(
    scene: Scene, every_server: Server, client: Client
) -> None:
    for name in ("good", "damaged"):
        scene.submit(name)
    client.delete(keys.run(run_id("damaged")))
    client.set(keys.run(run_id("damaged")), "no hash")

    async def act(waits: Waiting) -> list[Run]:
        good, damaged = await begun(waits.wait(run_id("good")), waits.wait(run_id("damaged")))
        with pytest.raises(ResponseError):
            await damaged
        await asyncio.to_thread(cancel_all, every_server.url, ["good"])
        return [await good]

    assert [run.state for run in waited(every_server, act)] == ["Cancelled"]
