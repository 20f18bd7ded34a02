"""Watching the leases of deployments that no runner serves any more: nobody else would.

Their runs wait for a runner then, but one that is being cancelled or must not begin again ends. Its
hooks are owed until the next runner, who has the code, calls them. Where one lives it is left to
him.
"""

from __future__ import annotations

import logging

from orchestrator.model.clock import Clock
from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId
from orchestrator.store.caller import AsyncStore
from orchestrator.store.leases import look
from orchestrator.store.vigil import Dead, Vigil, bury, leased_deployments

LONGEST_PAUSE = 5.0
FIND_EVERY = 6
"""Looks: deployments in which something is claimed now are found within a lease's time."""
FIND_ALL_EVERY = 120
"""Looks: of deployments in which nothing was seen to happen, all are asked as seldom as this."""

_log = logging.getLogger(__name__)


class Observer:
    """Looks at each deployment with leases about each T/6; where every runner and a lease stayed
    unchanged for T it takes the lease."""

    def __init__(self, store: AsyncStore, clock: Clock, lease: float, retention_ms: int) -> None:
        self._store, self._clock, self._lease = store, clock, lease
        self._retention_ms = retention_ms
        self._vigils: dict[DeploymentId, Vigil] = {}
        self._noted: set[DeploymentId] = set()
        self._looks = 0
        self.pause = min(lease / 6, LONGEST_PAUSE)
        """Seconds between two looks."""

    def note(self, d: DeploymentId) -> None:
        """Something happened there: a claim, perhaps."""
        self._noted.add(d)

    def forget(self) -> None:
        """Somebody else looks from now on."""
        self._vigils.clear()
        self._noted.clear()
        self._looks = 0

    async def look(self) -> None:
        """Look once at all of them."""
        try:
            if self._looks % FIND_EVERY == 0:
                await self._find()
            self._looks += 1
            sent = self._clock.elapsed()
            looks = await self._store.call_all(
                [look(d, None, thorough=False) for d in self._vigils]
            )
            answered = self._clock.elapsed()
            for (d, vigil), seen in zip(self._vigils.items(), looks, strict=True):
                dead = vigil.judge(seen, sent, answered)
                if dead.leases and len(dead.runners) == len(seen.runners):
                    await self._bury(d, dead)
        except ServerUnavailable:
            self.forget()
            raise

    async def _find(self) -> None:
        """Idle deployments are not asked one by one, however many there are: a claim is an event,
        and comes to whoever copies the outboxes. All the same they are asked at times: one whose
        events cannot be copied is not to be forgotten for ever."""
        among = None
        if self._looks % FIND_ALL_EVERY:
            among = [*self._noted, *self._vigils]
        self._noted.clear()
        leased = await self._store.follow(leased_deployments(among))
        self._vigils = {d: self._vigils.get(d) or Vigil(self._lease) for d in leased}

    async def _bury(self, d: DeploymentId, dead: Dead) -> None:
        for lease in dead.leases:
            _log.warning("recovering run %s: nobody keeps its lease", lease.run_id)
        for runner, _ in dead.runners:
            _log.warning("runner %s of %s is gone without leaving", runner, d)
        await self._store.follow(bury(d, dead, self._retention_ms))
