"""Bringing the embedded server back when its guardian was killed: runners need it first."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from orchestrator.embedded import ensure_server
from orchestrator.embedded.home import Home
from orchestrator.embedded.state import read_state
from orchestrator.model.errors import EmbeddedServerFailed
from orchestrator.settings import load_settings

from . import events
from .contact import Contact

SECONDS_BETWEEN_TRIES = 5.0


class Reviving:
    """Starts a guardian while the server of this home is away. A configured server is its owner's
    matter: nothing is started behind anybody's back."""

    def __init__(self, url: str, contact: Contact) -> None:
        self._contact = contact
        self._settings = load_settings()
        self._home = Home(self._settings.home)
        self._is_ours = self._settings.redis_url is None and self._home.url == url

    def guests(self) -> set[int]:
        """The guardian: where this process started it, it is a child of ours but none of a run."""
        state = read_state(self._home.state) if self._is_ours else None
        return {state.pid} if state else set()

    async def loop(self) -> None:
        """Watch for ever."""
        while True:
            await self._contact.until_lost()
            if self._is_ours:
                await self._revive()
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    async def _revive(self) -> None:
        for guardian in self.guests():
            with suppress(ChildProcessError):  # not ours, or still alive: nothing to bury
                os.waitpid(guardian, os.WNOHANG)  # noqa: ASYNC222 - it does not block
        try:
            # In a thread: a server that loads its data may take a while, and leases go on.
            await asyncio.to_thread(ensure_server, self._settings)
        except EmbeddedServerFailed as why:
            events.warning("The embedded server does not come back.", why=why)
