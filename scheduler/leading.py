"""Leading: one scheduler works, the others stand by.

An economy only. The store makes each occurrence once however many schedulers work (I2), so a lead
that two hold for a moment, or that is believed a little too long, harms nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import new_nonce
from orchestrator.store.attention import keep_lead, lead, unlead
from orchestrator.store.caller import AsyncStore

LEAD_SECONDS = 3.0
LEAD_MS = round(LEAD_SECONDS * 1000)
RENEW_SECONDS = 1.0
"""Both together stay below the grace of planning: a leader that is killed costs no occurrence."""

LEAVE_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass
class Leadership:
    """Whether this scheduler leads, as long as somebody calls ``renew`` in time."""

    store: AsyncStore
    token: str = field(default_factory=new_nonce)
    _until: float = 0.0

    @property
    def leads(self) -> bool:
        return time.monotonic() < self._until

    async def renew(self) -> None:
        """Take the lead if it is free, keep it if it is ours."""
        led = self.leads
        # Counted from before the question: the answer may have been long on its way.
        asked_at = time.monotonic()
        if await self._keep(led) or await self.store.call(lead(self.token, LEAD_MS)):
            self._until = asked_at + LEAD_SECONDS
        else:
            self._until = 0.0
        if self.leads != led:
            _log.info("this scheduler leads" if self.leads else "this scheduler stands by")

    async def _keep(self, led: bool) -> bool:
        """Whether the lead that we have goes on: one command, where taking it is a script."""
        return led and await self.store.call(keep_lead(LEAD_MS)) == self.token

    async def leave(self) -> None:
        """Give up the lead, so that another one need not wait for its end."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.store.call(unlead(self.token))
        except (ServerUnavailable, TimeoutError):
            _log.info("the lead could not be given up; it ends by itself")
