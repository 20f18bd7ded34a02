"""Looking for new code while serving: one look a source and host, however many deployments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from orchestrator.model.code import Code
from orchestrator.sources.looks import Look

from .codebases import Codebase
from .fetching import Fetching

JITTER = 0.3
"""The part of the interval by which a look may be early or late: hosts spread out."""


class Polling:
    """A loop for each place that has an interval."""

    def __init__(
        self,
        places: Iterable[Codebase],
        fetching: Fetching,
        *,
        offer: Callable[[Codebase, Code], None],
        changed: Callable[[Codebase], None],
    ) -> None:
        self._places = [(p, p.stored.pull_interval) for p in places if p.stored is not None]
        self._fetching, self._offer, self._changed = fetching, offer, changed

    async def loop(self) -> None:
        """Look for ever."""
        async with asyncio.TaskGroup() as group:
            for place, interval in self._places:
                if interval is not None:
                    group.create_task(self._poll(place, interval))
            await asyncio.Event().wait()

    async def _poll(self, place: Codebase, interval: float) -> None:
        while True:
            await asyncio.sleep(interval * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
            # Younger than our own pause can be: only another's answer.
            self._take(place, await self._fetching.newest(place, interval * (1 - JITTER)))

    def _take(self, place: Codebase, found: Look) -> None:
        before = place.trouble
        if found.why is not None:
            place.trouble = "; ".join(filter(None, (found.why, found.remedy)))
        elif found.code is not None and place.is_at(found.code.revision):
            place.trouble = None
        if place.trouble != before:
            self._changed(place)
        if found.code is not None and found.why is None:
            self._offer(place, found.code)
