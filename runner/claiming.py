"""Asking for runs: when there may be some, and as slots come free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from orchestrator.model.ids import DeploymentId, new_nonce
from orchestrator.store.leases import Claimed, Claims, claim_runs

from . import events
from .identity import Identity
from .writes import Writes

UNSAID_SECONDS = 1.0
"""A quarantine that is over sooner, as after most restarts, is nobody's concern."""

MOST_OF_A_CLAIM = 64
"""Runs of one claim: the last of them still has to be forked well within the lease."""


class Claimer:
    """Claims runs for free slots; a full runner asks for nothing."""

    def __init__(
        self,
        here: Identity,
        writes: Writes,
        *,
        free_slots: Callable[[], int],
        can_begin: Callable[[str], bool],
        begin: Callable[[Claimed, float], None],
        unregistered: Callable[[DeploymentId], None],
        tell_held: Callable[[DeploymentId], None],
    ) -> None:
        self._here, self._writes = here, writes
        self._free_slots, self._can_begin = free_slots, can_begin
        self._begin, self._unregistered = begin, unregistered
        self._order = deque(here.served)
        self._ready: set[DeploymentId] = set()
        """Deployments that may have tickets which nobody has looked at."""
        self._asked: dict[DeploymentId, int] = {}
        """Slots promised to claims on their way; one claim of a deployment at a time."""
        self._tell_held = tell_held
        self._quarantined: set[DeploymentId] = set()
        self._said_of = ""
        """The server of which a quarantine was last spoken."""
        self._stopped = False

    def wake(self, deployments: Iterable[DeploymentId]) -> None:
        """There may be tickets: look now, or as soon as a slot is free."""
        self._ready.update(deployments)
        self.look()

    def stop(self) -> None:
        """Claim nothing more; what is on its way is handed back by whoever begins runs."""
        self._stopped = True

    def look(self) -> None:
        """Claim for the free slots, shared among the deployments that may have tickets."""
        free = self._free_slots() - sum(self._asked.values())
        if self._stopped or free <= 0 or not self._ready:
            return
        # A rotating start, so that no deployment stands behind a busy one for ever.
        self._order.rotate(-1)
        ready = [
            d
            for d in self._order
            if d in self._ready
            and d not in self._asked
            and self._can_begin(self._here.served[d].full_name)
        ]
        share = min(max(1, free // max(1, len(ready))), MOST_OF_A_CLAIM)
        for d in ready[:free]:
            self._claim(d, share)

    def _claim(self, d: DeploymentId, count: int) -> None:
        self._ready.discard(d)
        self._asked[d] = count
        # Taken before the first sending: `Writes` repeats the request unchanged when its answer
        # was lost, and the lease counts from here all the same.
        sent = self._here.clock.elapsed()
        request = claim_runs(
            d,
            runner=self._here.id,
            host=self._here.host,
            version=self._here.served[d].version or "",
            nonce=new_nonce(),
            count=count,
            lease_ms=self._here.spec.lease_ms,
        )
        self._writes.add(
            request,
            lambda claims: self._claimed(d, claims, sent),
            lambda _: self._forget(d),
        )

    def _claimed(self, d: DeploymentId, claims: Claims, sent: float) -> None:
        self._forget(d)
        for claimed in claims.runs:
            self._begin(claimed, sent)
        if claims.more:
            self._ready.add(d)
        if claims.word in ("gone", "unregistered"):
            self._unregistered(d)
        self._wait_for_others(d, claims)
        if self._ready:
            self.look()

    def _wait_for_others(self, d: DeploymentId, claims: Claims) -> None:
        """Say what we hold, and claim when all have said so, or when there was time for it."""
        if claims.word != "quarantined":
            self._quarantined.discard(d)
            return
        loop, seconds = asyncio.get_running_loop(), claims.wait_ms / 1000
        if d not in self._quarantined:
            self._quarantined.add(d)
            loop.call_later(UNSAID_SECONDS, self._say_quarantine, claims.server, seconds)
        self._tell_held(d)
        loop.call_later(seconds, self.wake, [d])

    def _say_quarantine(self, server: str, seconds: float) -> None:
        """Once for each server, however many deployments have to wait."""
        if self._quarantined and server != self._said_of:
            self._said_of = server
            events.warning(
                "The server is not the one it was.",
                deployments=len(self._quarantined),
                claims_wait=seconds,
            )

    def _forget(self, d: DeploymentId) -> None:
        self._asked.pop(d, None)
