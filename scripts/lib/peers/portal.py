"""A client that is asyncio's, asked from plain code: its loop lives in a thread of its own.

A call costs some 0.1 ms more that way, which counts in ``submit`` alone: so ``submit_each`` is one
call here, whatever the count.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any


class Portal:
    """The loop, inside the context of the client, until the process ends."""

    def __init__(self, client: AbstractAsyncContextManager[Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._entered = threading.Event()
        threading.Thread(target=self._live, args=[client], daemon=True).start()
        self._entered.wait()

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _live(self, client: AbstractAsyncContextManager[Any]) -> None:
        async def stay() -> None:
            async with client:
                self._entered.set()
                await asyncio.Event().wait()

        self._loop.run_until_complete(stay())


class OfCoroutines(ABC):
    """A contestant whose client is asyncio's and whose worker runs tasks as coroutines, those that
    are due too: no process for a run, no scheduler, and no queue that could be looked into."""

    _portal: Portal

    def scheduling(self) -> list[list[str]]:
        return []

    def queued(self) -> list[float]:
        return []

    def submit(self) -> Any:
        return self._portal.call(self._each(1))

    def submit_each(self, count: int) -> None:
        self._portal.call(self._each(count))

    def submit_many(self, count: int) -> None:
        self._portal.call(self._many(count))

    def submit_sleeper(self) -> Any:
        return self._portal.call(self._sleeper())

    def cancel(self, run: Any) -> None:
        raise NotImplementedError("a coroutine ends, no process")

    @abstractmethod
    async def _each(self, count: int) -> None:
        """Ask for so many, one after the other."""

    @abstractmethod
    async def _many(self, count: int) -> None:
        """Ask for so many in bulk."""

    @abstractmethod
    async def _sleeper(self) -> None:
        """Ask for one that stays."""
