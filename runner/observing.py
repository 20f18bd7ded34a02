"""Watching the leases of others, and the others themselves; nobody else brings a lost run back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId, RunId, RunnerId, deployment_of
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.caller import AsyncStore
from orchestrator.store.deployments import pause_deployment
from orchestrator.store.leases import Look, look, reap_run
from orchestrator.store.requests import Request
from orchestrator.store.runners import drop_runner
from orchestrator.store.upkeep import repair_deployment, sweep_runs

from . import events
from .aftermath import ENDED_UNSEEN
from .contact import Contact
from .identity import Identity
from .watching import Mark, Watch

LOOK_SECONDS = 5.0
"""A lost message on the control channel delays a run by no more than this."""
LEASE_LOST = "its runner or host was lost"
THOROUGH_EVERY = 6
"""Looks: what only a thorough one sees may wait for a lease's time."""
FUTILE_LOOKS = 10
"""After a repair that found nothing to repair, so many thorough looks pass before the next one."""


Reap = tuple[RunId, str, Request[str]]
"""A run, its token, and what takes it from its owner."""


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
        part: Callable[[RunId], None],
    ) -> None:
        self._here, self._store, self._contact = here, store, contact
        self._is_ours, self._wake, self._unregistered = is_ours, wake, unregistered
        self._drain_asked, self._hooks_due, self._part = drain, hooks_due, part
        self._now = asyncio.Event()
        self._leases: dict[DeploymentId, Watch[tuple[RunId, str]]] = {}
        self._runners: dict[DeploymentId, Watch[RunnerId]] = {}
        for d in here.served:
            self._leases[d] = Watch(here.lease / 3)
            self._runners[d] = Watch(here.lease / 3)
        self._futile: dict[DeploymentId, int] = {}
        """Thorough looks that see damage to pass before the next repair."""
        self._looks = 0
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
            sent, thorough = self._here.clock.elapsed(), self._looks % THOROUGH_EVERY == 0
            looks = await self._store.call_all(
                [look(d, self._here.id, thorough=thorough) for d in self._here.served]
            )
            answered = self._here.clock.elapsed()
            self._looks += 1
            seen = dict(zip(self._here.served, looks, strict=True))
            self._crowds = {d: len(each.runners) for d, each in seen.items()}
            await self._act(seen, sent, answered)
            if thorough:
                for d, each in seen.items():
                    await self._keep_up(d, each)
        except ServerUnavailable:
            for d in self._here.served:
                self._leases[d].lose_contact()
                self._runners[d].lose_contact()
            raise

    async def _act(self, looks: dict[DeploymentId, Look], sent: float, answered: float) -> None:
        dead_runners: list[tuple[DeploymentId, Request[str]]] = []
        requests: list[Request[Any]] = []
        reaps: list[Reap] = []
        for d, seen in looks.items():
            if self._here.id not in seen.runners:
                self._unregistered(d)
            reaps += self._reaps(d, seen, sent, answered)
            dead_runners += [(d, drop) for drop in self._drops(d, seen, sent, answered)]
            if seen.due is not None:
                requests.append(lower_attention(d, seen.due))
        if any(seen.drain for seen in looks.values()):
            self._drain_asked()
        self._wake(d for d, seen in looks.items() if seen.waiting and not seen.held)
        await self._store.call_all(requests)
        await self._reap(reaps)
        await self._drop(dead_runners)

    async def _reap(self, reaps: list[Reap]) -> None:
        # One that was being cancelled ends by it, and may leave children.
        lower = [lower_attention(deployment_of(run_id), NOW) for run_id, _, _ in reaps]
        await self._store.call_all(lower)
        words = await self._store.call_all([*(request for _, _, request in reaps), *lower])
        for (run_id, token, _), word in zip(reaps, words, strict=False):
            if word in ENDED_UNSEEN:
                self._hooks_due(run_id, token)

    def _reaps(self, d: DeploymentId, seen: Look, sent: float, answered: float) -> list[Reap]:
        beats = {(lease.run_id, lease.token): lease.beat for lease in seen.leases}
        marks = [
            Mark((lease.run_id, lease.token), lease.beat, lease.lease_ms / 1000)
            for lease in seen.leases
            if not self._is_ours(lease.run_id, lease.token)
        ]
        dead = self._leases[d].look(sent, answered, marks)
        for run_id, _ in dead:
            events.warning("Recovering a run: nobody keeps its lease.", run_id=run_id)
        keep = self._here.spec.retention_ms
        return [
            (run_id, token, reap_run(run_id, token, beats[run_id, token], LEASE_LOST, keep))
            for run_id, token in dead
        ]

    def _drops(
        self, d: DeploymentId, seen: Look, sent: float, answered: float
    ) -> list[Request[str]]:
        others = (item for item in seen.runners.items() if item[0] != self._here.id)
        marks = [Mark(runner, beat, self._here.lease) for runner, beat in others]
        dead = self._runners[d].look(sent, answered, marks)
        for runner in dead:
            events.warning("A runner is gone without leaving.", deployment=d, lost=runner)
        return [drop_runner(d, runner, seen.runners[runner]) for runner in dead]

    async def _drop(self, dead: list[tuple[DeploymentId, Request[str]]]) -> None:
        words = await self._store.call_all([request for _, request in dead])
        for (d, _), word in zip(dead, words, strict=True):
            if word == "last":
                keep = self._here.spec.retention_ms
                await self._store.follow(pause_deployment(d, "shutdown", keep))

    async def _keep_up(self, d: DeploymentId, seen: Look) -> None:
        """Do what is left to do: children to cancel, what has expired, what was damaged (I22: never
        without damage)."""
        for parent in seen.parting:
            self._part(parent)
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
