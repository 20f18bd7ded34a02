"""Working: the loops of a scheduler, from a checked server until a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress

from orchestrator.model.clock import SystemClock
from orchestrator.model.ids import DeploymentId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.connection import open_async_store
from orchestrator.store.keys import ATTENTION_CHANGED, EVENTS_NEWS, OUTBOX_NEWS, RETENTION_MS

from .dispatching import LONGEST_SLEEP_MS, Dispatcher
from .enduring import endure
from .feeding import Feeder
from .leading import RENEW_SECONDS, Leadership
from .observing import Observer
from .serverclock import ServerClock
from .starting import check_start
from .triggers import Triggers

GATHER_SECONDS = 0.02
"""How long what happens is gathered before it is copied."""
BUSY_SECONDS = 0.1
"""The same when much happens: each copying costs the same, however little it copies."""
MUCH = 20
"""Events of one copying."""

_log = logging.getLogger(__name__)


async def work(url: str, lease: float, retention_ms: int = RETENTION_MS) -> None:
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
            await _until(stop, Worker(store, lease, retention_ms).run())
    finally:
        await store.close()
    _log.info("stopped")


class Worker:
    """Leads or stands by; dispatches and watches leases while it leads."""

    def __init__(self, store: AsyncStore, lease: float, retention_ms: int = RETENTION_MS) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        # Behind a thousand looks a lead would be renewed too late.
        self._lead_store = store.apart()
        self._leadership = Leadership(self._lead_store)
        self._clock = ServerClock(store)
        self._dispatcher = Dispatcher(store, self._clock, retention_ms)
        self._observer = Observer(store, SystemClock(), lease, retention_ms)
        self._feeder = Feeder(store, self._observer.note, self._dispatcher.calm)
        self._triggers = Triggers(store)

    async def run(self) -> None:
        """Work until cancelled. A loop that ends by an error ends the others, and the program."""
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._listen())
                loops.create_task(endure("leading", self._lead))
                loops.create_task(endure("dispatching", self._dispatch))
                loops.create_task(endure("noticing", self._notice))
                loops.create_task(endure("observing", self._observe))
        finally:
            await self._leadership.leave()
            await self._lead_store.close()

    async def _listen(self) -> None:
        async for channel, text in self._store.listen(ATTENTION_CHANGED, OUTBOX_NEWS, EVENTS_NEWS):
            if channel == OUTBOX_NEWS:
                self._feeder.note(DeploymentId(text))
            elif not channel:
                self._feeder.forget()
            # What was copied, this scheduler copied itself, and has read since.
            if channel != ATTENTION_CHANGED and text != "copied":
                self._heard.set()
            if channel in ("", ATTENTION_CHANGED):
                self._wake.set()

    async def _lead(self) -> None:
        led = self._leadership.leads
        await self._leadership.renew()
        if self._leadership.leads != led:
            self._wake.set()
            self._heard.set()
        await asyncio.sleep(RENEW_SECONDS)

    async def _notice(self) -> None:
        """Copy what happened into the feed, and let triggers see it."""
        self._heard.clear()
        pause_ms, copied = LONGEST_SLEEP_MS, 0
        if self._leadership.leads:
            # Read before anything is copied: what happened until then is in the feed afterwards.
            now_ms = await self._clock.read()
            copied = await self._feeder.turn()
            deadline = await self._triggers.turn(now_ms)
            if deadline is not None:
                pause_ms = min(pause_ms, max(0, deadline - self._clock.estimate()))
        else:
            self._feeder.forget()
            self._triggers.forget()
        if not copied:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_ms / 1000):
                    await self._heard.wait()
        # What happens at once is copied in one step.
        await asyncio.sleep(GATHER_SECONDS if copied < MUCH else BUSY_SECONDS)

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

    async def _observe(self) -> None:
        if self._leadership.leads:
            await self._observer.look()
        else:
            self._observer.forget()
        await asyncio.sleep(self._observer.pause)


async def _until(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work until it is done or ``stop`` is set."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
