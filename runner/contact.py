"""Contact with the server: how long to wait before asking again, and saying once that it is lost.

No loop of the runner ends because the server is away, for however long.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from orchestrator.model.errors import ServerUnavailable

from . import events

T = TypeVar("T")

SHORTEST, LONGEST = 0.1, 5.0
"""Bounds, in seconds, of the pause before the next try."""


def pause_after(failures: int, longest: float = LONGEST) -> float:
    """Seconds to wait after so many failures in a row; jittered, so that a herd spreads out."""
    full = min(longest, SHORTEST * 2.0 ** min(failures - 1, 16))
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


class Contact:
    """What all loops of a runner know together about their server."""

    def __init__(self) -> None:
        self._away = asyncio.Event()
        self._when_lost: list[Callable[[], None]] = []

    @property
    def lost(self) -> bool:
        """Whether the server left the last question unanswered."""
        return self._away.is_set()

    def when_lost(self, call: Callable[[], None]) -> None:
        """Have this called each time that the server ceases to answer."""
        self._when_lost.append(call)

    async def until_lost(self) -> None:
        """Return as soon as the server does not answer."""
        await self._away.wait()

    async def persist(self, ask: Callable[[], Awaitable[T]], longest: float = LONGEST) -> T:
        """The first answer; tries for ever."""
        failures = 0
        while True:
            try:
                answer = await ask()
            except ServerUnavailable as why:
                failures += 1
                self.failed(why)
                await asyncio.sleep(pause_after(failures, longest))
            else:
                self.answered()
                return answer

    def failed(self, why: ServerUnavailable) -> None:
        """Note that the server did not answer; said once until it answers again."""
        if not self.lost:
            self._away.set()
            events.warning("The server does not answer; trying again for ever.", why=why)
            for call in self._when_lost:
                call()

    def answered(self) -> None:
        if self.lost:
            self._away.clear()
            events.info("The server answers again.")
