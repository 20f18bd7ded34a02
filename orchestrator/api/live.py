"""The feed, live, for any number of browsers over one connection.

What is heard only says "look again": every stream reads on from its own place, so none can miss
anything, be it slow, late or back after an hour.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from orchestrator.api.streaming import SILENCE_SECONDS
from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.event import Event
from orchestrator.operations import events
from orchestrator.store import keys
from orchestrator.store.caller import AsyncStore

LOOK_SECONDS = 1.0
"""Between two looks although nothing was heard; also how soon a stream ends with the API."""


class Live:
    """Wakes streams. It listens as long as there is one: an idle API has no connection."""

    def __init__(self, store: AsyncStore, stopping: threading.Event) -> None:
        self._store, self._stopping = store, stopping
        self._streams = 0
        self._ear: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def events(self, place: str) -> AsyncGenerator[Event | str | None, None]:
        """Events behind ``place``, or from the moment of this answer on, until the API stops. A
        place as text: events before it are missing. None: nothing happened for a while.

        Raises:
            ServerUnavailable: nobody can say where it is to begin.
        """
        is_gap = bool(place) and await self._is_forgotten(place)
        if is_gap or not place:
            place = await self._store.follow(events.end())
        return self._listening(place, is_gap)

    async def _listening(
        self, place: str, is_gap: bool
    ) -> AsyncGenerator[Event | str | None, None]:
        self._streams += 1
        if self._ear is None:
            self._ear = asyncio.create_task(self._hear())
        try:
            if is_gap:
                yield place
            async for each in self._read(place):
                yield each
        finally:
            self._streams -= 1
            if not self._streams and self._ear is not None:
                self._ear.cancel()
                self._ear = None

    async def _read(self, place: str) -> AsyncIterator[Event | None]:
        silent = 0.0
        while not self._stopping.is_set():
            news = self._news
            try:
                found = await self._store.follow(events.after(place))
            except ServerUnavailable:
                found = []  # it comes back, and we go on from the same place
            for event in found:
                yield event
                place, silent = event.position, 0.0
            if not found:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), LOOK_SECONDS)
                silent += LOOK_SECONDS
                if silent >= SILENCE_SECONDS:
                    silent = 0.0
                    yield None

    async def _is_forgotten(self, place: str) -> bool:
        """Whether the feed begins behind the place: what was there may have been trimmed."""
        first = await self._store.follow(events.after("", 1))
        return bool(first) and _order(first[0].position) > _order(place)

    async def _hear(self) -> None:
        async with aclosing(self._store.listen(keys.EVENTS_NEWS)) as heard:
            async for _ in heard:
                # A new one for who looks from now on; who holds the old one wakes up.
                news, self._news = self._news, asyncio.Event()
                news.set()


def _order(position: str) -> tuple[int, int]:
    moment, _, number = position.partition("-")
    return int(moment), int(number)
