"""Watching the leases of others, and the others themselves. Where no runner is left to do it, a
scheduler does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.watching import watches
from orchestrator.store.attention import lower_attention
from orchestrator.store.caller import AsyncStore
from orchestrator.store.leases import Look, look
from orchestrator.store.requests import Request
from orchestrator.store.upkeep import repair_deployment, sweep_runs
from orchestrator.store.vigil import Dead, Vigil, bury

from . import events
from .aftermath import ENDED_UNSEEN, HOLD_MS
from .contact import Contact
from .identity import Identity

LOOK_SECONDS = 5.0
"""A lost message on the control channel delays a run by no more than this."""
THOROUGH_EVERY = 6
"""Looks: what only a thorough one sees may wait for a lease's time. Most of a crowd see the others
in these only (``watches``)."""
FUTILE_LOOKS = 10
"""After a repair that found nothing to repair, so many thorough looks pass before the next one."""


class Observer:
    """Looks at every deployment each T/6, claims what waits, reaps what stayed unchanged for T."""

    def __init__(
        self,
        here: Identity,
        store: AsyncStore,
        contact: Contact,
        *,
        is_ours: Callable[[RunId, str], bool],
        wake: Callable[[Iterable[DeploymentId]], None],
        unregistered: Callable[[DeploymentId], None],
        drain: Callable[[], None],
        hooks_due: Callable[[RunId, str], None],
        hooks_owed: Callable[[DeploymentId], None],
        part: Callable[[RunId], None],
    ) -> None:
        self._here, self._store, self._contact = here, store, contact
        self._is_ours, self._wake, self._unregistered = is_ours, wake, unregistered
        self._drain_asked, self._part = drain, part
        self._hooks_due, self._hooks_owed = hooks_due, hooks_owed
        self._now = asyncio.Event()
        self._vigils = {d: Vigil(here.lease) for d in here.served}
        self._futile: dict[DeploymentId, int] = {}
        """Thorough looks that see damage to pass before the next repair."""
        self._looks = 0
        self._phase = random.randrange(THOROUGH_EVERY)  # noqa: S311 - not all at once
        self._crowds: dict[DeploymentId, int] = {}

    def crowd(self, d: DeploymentId) -> int:
        """How many runners served it at the last look."""
        return self._crowds.get(d, 1)

    def look_now(self) -> None:
        """Something was written down that a look finds."""
        self._now.set()

    async def loop(self) -> None:
        """Look for ever."""
        period = min(self._here.lease / 6, LOOK_SECONDS)
        while True:
            self._now.clear()
            await self._contact.persist(self._look, longest=period)
            try:
                async with asyncio.timeout(period):
                    await self._now.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            sent, me = self._here.clock.elapsed(), self._here.id
            thorough = self._looks == 0 or (self._looks + self._phase) % THOROUGH_EVERY == 0
            whole = {d: thorough or watches(me, self.crowd(d)) for d in self._here.served}
            looks = await self._store.call_all(
                [look(d, me, thorough=thorough, others=others) for d, others in whole.items()]
            )
            answered = self._here.clock.elapsed()
            self._looks += 1
            seen = dict(zip(self._here.served, looks, strict=True))
            dead = self._dead({d: each for d, each in seen.items() if whole[d]}, sent, answered)
            await self._act(seen, dead)
            if thorough:
                for d, each in seen.items():
                    await self._keep_up(d, each)
        except ServerUnavailable:
            for vigil in self._vigils.values():
                vigil.lose_contact()
            raise

    def _dead(
        self, looks: dict[DeploymentId, Look], sent: float, answered: float
    ) -> dict[DeploymentId, Dead]:
        """By the looks that saw the others too."""
        self._crowds.update({d: len(seen.runners) for d, seen in looks.items()})
        for d, vigil in self._vigils.items():
            if d not in looks:
                vigil.keep_contact(answered)
        return {
            d: self._vigils[d].judge(seen, sent, answered, is_ours=self._is_ours, me=self._here.id)
            for d, seen in looks.items()
        }

    async def _act(self, looks: dict[DeploymentId, Look], dead: dict[DeploymentId, Dead]) -> None:
        lowered: list[Request[None]] = []
        for d, seen in looks.items():
            if self._here.id not in seen.runners:
                self._unregistered(d)
            if seen.due is not None:
                lowered.append(lower_attention(d, seen.due))
        if any(seen.drain for seen in looks.values()):
            self._drain_asked()
        self._wake(d for d, seen in looks.items() if seen.waiting and not seen.held)
        await self._store.call_all(lowered)
        for d, found in dead.items():
            if found.leases or found.runners:
                await self._bury(d, found)

    async def _bury(self, d: DeploymentId, dead: Dead) -> None:
        for lease in dead.leases:
            events.warning("Recovering a run: nobody keeps its lease.", run_id=lease.run_id)
        for runner, _ in dead.runners:
            events.warning("A runner is gone without leaving.", deployment=d, lost=runner)
        words = await self._store.follow(bury(d, dead, self._here.spec.retention_ms, HOLD_MS))
        for lease, word in zip(dead.leases, words, strict=True):
            if word in ENDED_UNSEEN:
                self._hooks_due(lease.run_id, lease.token)

    async def _keep_up(self, d: DeploymentId, seen: Look) -> None:
        """Do what is left to do: children to cancel, hooks to call, what has expired, what was
        damaged (I22: never without damage)."""
        for parent in seen.parting:
            self._part(parent)
        if seen.owed:
            self._hooks_owed(d)
        if seen.expired:
            await self._store.follow(sweep_runs(d))
        futile = self._futile.pop(d, 0)
        if not seen.odd:
            return
        if futile > 1:
            self._futile[d] = futile - 1
            return
        repaired = await self._store.follow(repair_deployment(d, self._here.spec.retention_ms))
        if repaired:
            events.warning("Repaired damaged keys.", deployment=d, repaired=repaired)
        else:
            self._futile[d] = FUTILE_LOOKS
