"""Working: the loops of a scheduler, from a checked server until a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress

from orchestrator.store.caller import AsyncStore
from orchestrator.store.connection import open_async_store
from orchestrator.store.keys import ATTENTION_CHANGED, RETENTION_MS

from .dispatching import LONGEST_SLEEP_MS, Dispatcher
from .enduring import endure
from .leading import RENEW_SECONDS, Leadership
from .serverclock import ServerClock
from .starting import check_start

_log = logging.getLogger(__name__)


async def work(url: str, retention_ms: int = RETENTION_MS) -> None:
    """Schedule until SIGTERM or SIGINT.

    Raises:
        ServerUnavailable: nobody answers at the start (later on it is waited for).
        ServerRefused: the server must not be used.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    store = open_async_store(url)
    try:
        await _until(stop, check_start(store))
        if not stop.is_set():
            await _until(stop, Worker(store, retention_ms).run())
    finally:
        await store.close()
    _log.info("stopped")


class Worker:
    """Leads or stands by, and dispatches while it leads."""

    def __init__(self, store: AsyncStore, retention_ms: int = RETENTION_MS) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._leadership = Leadership(store)
        self._dispatcher = Dispatcher(store, ServerClock(store), retention_ms)

    async def run(self) -> None:
        """Work until cancelled. A loop that ends by an error ends the others, and the program."""
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._listen())
                loops.create_task(endure("leading", self._lead))
                loops.create_task(endure("dispatching", self._dispatch))
        finally:
            await self._leadership.leave()

    async def _listen(self) -> None:
        async for _ in self._store.listen(ATTENTION_CHANGED):
            self._wake.set()

    async def _lead(self) -> None:
        led = self._leadership.leads
        await self._leadership.renew()
        if self._leadership.leads != led:
            self._wake.set()
        await asyncio.sleep(RENEW_SECONDS)

    async def _dispatch(self) -> None:
        self._wake.clear()
        if self._leadership.leads:
            pause_ms = await self._dispatcher.turn()
        else:
            self._dispatcher.forget()
            pause_ms = LONGEST_SLEEP_MS
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_ms / 1000):
                await self._wake.wait()


async def _until(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work until it is done or ``stop`` is set."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
