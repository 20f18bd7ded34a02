"""What the code of one event loop shares when it asks for runs and waits for them: one connection
for questions and one that hears of ends, however many wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from orchestrator.client.following import PATIENCE
from orchestrator.model.asked import Asked
from orchestrator.model.run import Run
from orchestrator.settings import load_settings
from orchestrator.store.caller import AsyncStore
from orchestrator.store.connection import open_async_store
from orchestrator.store.doors import Doors
from orchestrator.store.submission import create_run
from orchestrator.store.waiting import Waiting


async def ask_and_wait(asked: Asked, timeout: float | None) -> Run:  # noqa: ASYNC109 - an answer
    """The run at its end, or as it is after ``timeout`` seconds; 0 does not wait.

    Raises:
        RunNotFound: it was deleted meanwhile.
        ServerUnavailable: no server answers.
    """
    async with _together() as together:
        run = await together.store.follow(create_run(asked, doors=together.doors))
        return run if timeout == 0 else await together.waiting.wait(run.id, timeout)


class Together:
    """One loop's connections, as long as somebody uses them."""

    def __init__(self, url: str) -> None:
        self.store: AsyncStore = open_async_store(url)
        self.doors = Doors()
        self._ear = self.store.ear()
        self.waiting = Waiting(self.store, self._ear, PATIENCE)
        loops = (self.waiting.loop(), self._hear())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Give everything back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()

    async def _hear(self) -> None:
        async for channel, text in self._ear.messages():
            self.waiting.heard(channel, text)


class _Place:
    """Where the users of one loop find what they share."""

    def __init__(self) -> None:
        self.users = 0
        self.opening: asyncio.Task[Together] = asyncio.create_task(_open())


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, _Place] = WeakKeyDictionary()


@asynccontextmanager
async def _together() -> AsyncIterator[Together]:
    loop = asyncio.get_running_loop()
    if loop not in _places:
        _places[loop] = _Place()
    place = _places[loop]
    place.users += 1
    try:
        # Shielded: who is cancelled meanwhile must not take it from the others.
        yield await asyncio.shield(place.opening)
    finally:
        place.users -= 1
        if not place.users:
            _places.pop(loop, None)
            await _close(place.opening)


async def _close(opening: asyncio.Task[Together]) -> None:
    (opened,) = await asyncio.gather(opening, return_exceptions=True)
    if isinstance(opened, Together):
        await opened.close()


async def _open() -> Together:
    settings = load_settings()
    if settings.redis_url is not None:
        return Together(settings.redis_url)
    from orchestrator.embedded import ensure_server

    return Together(await asyncio.to_thread(ensure_server, settings))
