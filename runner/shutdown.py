"""How a runner ends: the first signal drains, the second aborts, and nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from orchestrator.model.errors import OrchestratorError
from orchestrator.model.ids import DeploymentId
from orchestrator.model.serving import HANDED_ON
from orchestrator.store.caller import AsyncStore
from orchestrator.store.deployments import pause_deployment
from orchestrator.store.runners import leave_runner

from . import events
from .aftermath import Aftermath
from .claiming import Claimer
from .identity import Identity
from .outcomes import SHUT_DOWN, Fate
from .registering import Registrar
from .roster import Roster
from .spawning import Spawning

ORDERLY, ABORTED = 0, 130

STOP_GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL for runs that outlast the drain: with ``shutdown_grace`` it must
stay below the 30 s after which containers are killed."""
LAST_WRITES = 3.0
"""Seconds that the server has to take the last outcomes of a drain, and hooks that still run."""
ABORT_SECONDS = 0.8
"""The same for an abort, and again for leaving: two seconds in all."""


class Wishes:
    """What signals, and the end of the serving script, ask of this runner."""

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.abort = asyncio.Event()
        self.exit_code = ORDERLY
        self._heard_from: set[str] = set()

    def listen(self, parent: int | None) -> None:
        """Hear SIGTERM and SIGINT, those that the script hands on, and the script's end (end of
        file on ``parent``)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.signalled, "somebody")
        loop.add_signal_handler(signal.Signals[HANDED_ON], self.signalled, "the script")
        if parent is not None:
            loop.add_reader(parent, self._parent_died, parent)

    def signalled(self, by: str) -> None:
        """One more signal. The second means now; but who signals every process of a service, as
        systemd does, has asked once, though the script hands its own on."""
        if by in self._heard_from:
            self.exit_code = ABORTED
            self.abort.set()
        self._heard_from.add(by)
        self.drain.set()

    def asked_from_afar(self) -> None:
        """A person wants this runner to drain. No signal: the next one is still the first."""
        if not self.drain.is_set():
            events.info("Asked to drain.")
        self.drain.set()

    def _parent_died(self, parent: int) -> None:
        if os.read(parent, 4096):
            return  # only its end means something
        asyncio.get_running_loop().remove_reader(parent)
        events.warning("The serving script is gone; leaving.")
        self.drain.set()
        self.abort.set()


class Leaving:
    """The way out, step by step."""

    def __init__(
        self,
        here: Identity,
        wishes: Wishes,
        store: AsyncStore,
        *,
        claimer: Claimer,
        registrar: Registrar,
        roster: Roster,
        spawning: Spawning,
        aftermath: Aftermath,
    ) -> None:
        self._here, self._wishes, self._store = here, wishes, store
        self._claimer, self._registrar = claimer, registrar
        self._roster, self._spawning = roster, spawning
        self._aftermath = aftermath

    async def when_asked(self) -> int:
        """Wait for the wish, let runs finish, hand back the others, leave; the exit code."""
        await self._wishes.drain.wait()
        self._claimer.stop()
        self._registrar.is_draining = True
        self._registrar.say_now()
        if self._roster.running and not self._wishes.abort.is_set():
            grace = self._here.spec.shutdown_grace_seconds
            events.info("Draining.", runs=self._roster.running, grace_seconds=grace)
            await self._empty_within(grace)
        await self._stop_runs()
        await self._finish_hooks()
        await self._leave()
        await self._spawning.close()
        return self._wishes.exit_code

    async def _stop_runs(self) -> None:
        if not self._wishes.abort.is_set():
            self._hand_back_all(STOP_GRACE)
            await self._empty_within(STOP_GRACE + LAST_WRITES)
        if not self._roster.is_empty.is_set():
            self._hand_back_all(0.0)
            await first_of(self._roster.is_empty.wait, within=ABORT_SECONDS)
        for run in self._roster.all():
            events.error("A run's end could not be written; its lease will run out.", run_id=run.id)

    async def _finish_hooks(self) -> None:
        waits = self._aftermath.is_empty.wait, self._wishes.abort.wait
        await first_of(*waits, within=LAST_WRITES)

    def _hand_back_all(self, grace: float) -> None:
        for run in self._roster.all():
            run.stop(Fate.HANDED_BACK, grace, SHUT_DOWN)

    async def _empty_within(self, seconds: float) -> None:
        """Until no run is left, or an abort is asked for, or the time is over."""
        await first_of(self._roster.is_empty.wait, self._wishes.abort.wait, within=seconds)

    async def _leave(self) -> None:
        patience = ABORT_SECONDS if self._wishes.abort.is_set() else LAST_WRITES
        try:
            async with asyncio.timeout(patience):
                await self._leave_all()
        except (OrchestratorError, TimeoutError) as why:
            # Whoever finds us dead does what we could not.
            events.warning("The runner could not sign off.", why=repr(why))

    async def _leave_all(self) -> None:
        spec = self._here.spec
        served: list[DeploymentId] = list(self._here.served)
        words = await self._store.call_all(
            [leave_runner(d, self._here.id, spec.pause_on_shutdown) for d in served]
        )
        for d, word in zip(served, words, strict=True):
            if word == "last":
                await self._store.follow(pause_deployment(d, "shutdown", spec.retention_ms))


async def first_of(*waits: Callable[[], Coroutine[Any, Any, object]], within: float) -> None:
    """Return when one of these coroutines has returned, or after so many seconds."""
    tasks = [asyncio.create_task(wait()) for wait in waits]
    await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
