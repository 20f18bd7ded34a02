"""Keeping leases alive, and hearing with every beat what is wanted of each run."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.leases import Beats, beat_runs

from .contact import Contact
from .identity import Identity
from .runs import HeldRun, SpawnerLink


class Leases:
    """Beats every T/4, on a connection of its own, so that a beat never waits for anything."""

    def __init__(
        self,
        here: Identity,
        store: AsyncStore,
        contact: Contact,
        *,
        held: Callable[[], Iterable[HeldRun]],
        unregistered: Callable[[DeploymentId], None],
    ) -> None:
        self._here, self._store, self._contact = here, store, contact
        self._held, self._unregistered = held, unregistered
        self._now = asyncio.Event()
        self._to_tell: set[DeploymentId] = set()
        """Deployments that are to hear of us though we may hold nothing."""

    def beat_now(self) -> None:
        """Something about a run has changed: ask."""
        self._now.set()

    def tell_held(self, d: DeploymentId) -> None:
        """The server wants to know what we hold of ``d``, be it nothing."""
        self._to_tell.add(d)
        self._now.set()

    async def loop(self) -> None:
        """Beat for ever."""
        period = self._here.lease / 4
        while True:
            self._now.clear()
            await self._contact.persist(self._beat, longest=period)
            try:
                async with asyncio.timeout(period):
                    await self._now.wait()
            except TimeoutError:
                continue

    async def _beat(self) -> None:
        """One beat for all runs. Not repeatable by others: its time of sending is what counts."""
        by_deployment = defaultdict[DeploymentId, list[HeldRun]](
            list, {d: [] for d in self._to_tell}
        )
        for run in self._held():
            by_deployment[run.deployment].append(run)
        if not by_deployment:
            return
        requests = [
            beat_runs(d, self._here.id, self._here.spec.lease_ms, _tokens(runs))
            for d, runs in by_deployment.items()
        ]
        sent = self._here.clock.elapsed()
        replies = await self._store.call_all(requests)
        for (d, runs), beats in zip(by_deployment.items(), replies, strict=True):
            self._to_tell.discard(d)
            self._heard(d, runs, beats, sent)

    def _heard(self, d: DeploymentId, runs: list[HeldRun], beats: Beats, sent: float) -> None:
        for run, word in zip(runs, beats.words, strict=True):
            is_frozen = sent >= run.trusted_until
            if beats.wait_ms and is_frozen and word != "LOST":
                # I4: who holds the run by a claim that the server forgot may still execute it.
                asyncio.get_running_loop().call_later(beats.wait_ms / 1000, self.beat_now)
                continue
            run.heard(word, sent)
        _tell_deadlines(runs)
        if not beats.registered:
            self._unregistered(d)


def _tokens(runs: list[HeldRun]) -> list[tuple[RunId, str]]:
    return [(run.id, run.token) for run in runs]


def _tell_deadlines(runs: list[HeldRun]) -> None:
    by_spawner: defaultdict[SpawnerLink, dict[str, float]] = defaultdict(dict)
    for run in runs:
        if not run.is_over:
            by_spawner[run.spawner][run.key] = run.trusted_until
    for spawner, deadlines in by_spawner.items():
        spawner.renew(deadlines)
