"""Has anybody needed this server lately?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.embedded.home import Home
from orchestrator.model.errors import ServerUnavailable

if TYPE_CHECKING:
    from orchestrator.store.caller import Store

GUARDIAN, SCHEDULER, API = "guardian", "scheduler", "api"
"""Names of the connections of those who serve; nobody stays for their sake. The API asks only when
it is asked, and listens only while a browser is open: then somebody is there."""

_LOOKS = 4
"""Looks per idle time: leaving is late by a quarter of it at most."""

_LONGEST_WAIT = 60.0


def url_as(home: Home, name: str) -> str:
    """The URL of a home for one of those who serve, so that the server knows its connections."""
    return f"{home.url}?client_name={name}"


class IdleWatch:
    """Looks at the server now and then, and knows since when nothing has gone on."""

    def __init__(self, home: Home, idle_seconds: float) -> None:
        self._home = home
        self._idle_seconds = idle_seconds
        self._every = min(idle_seconds / _LOOKS, _LONGEST_WAIT)
        self._store: Store | None = None
        self._connections = 0
        self._quiet_since = time.monotonic()
        self.next_look = self._quiet_since + self._every

    def is_over(self) -> bool:
        """Nobody came and nothing was to do for the whole idle time."""
        now = time.monotonic()
        if now < self.next_look:
            return False
        self.next_look = now + self._every
        if self.something_goes_on():
            self._quiet_since = now
        return now - self._quiet_since >= self._idle_seconds

    def something_goes_on(self) -> bool:
        """Somebody is connected, came since the last look, or there is something to do.

        A server that does not answer counts as needed: whether it is will be seen when it does.
        """
        # Imported when first needed: the start of a server must not wait for a Redis client.
        from orchestrator.store.activity import activity
        from orchestrator.store.connection import open_store

        self._store = self._store or open_store(url_as(self._home, GUARDIAN))
        try:
            seen = self._store.follow(activity((GUARDIAN, SCHEDULER), {API: self._every + 1}))
        except ServerUnavailable:
            return True
        came, self._connections = seen.connections != self._connections, seen.connections
        return came or seen.is_needed
