"""The server's time: the only one that decides what is due."""

from __future__ import annotations

import time
from typing import Any

from orchestrator.store.caller import AsyncStore
from orchestrator.store.requests import command


class ServerClock:
    """The server's time as last read, and an estimate of it for the time since then."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._ahead_ms = 0.0

    async def read(self) -> int:
        """Milliseconds since 1970 on the server."""
        now_ms = await self._store.call(command(_milliseconds, "TIME"))
        self._ahead_ms = now_ms - _own_ms()
        return now_ms

    def estimate(self) -> int:
        """The same without asking; good for deciding when to wake up, and never early."""
        return int(_own_ms() + self._ahead_ms)


def _own_ms() -> float:
    return time.monotonic() * 1000


def _milliseconds(reply: Any) -> int:
    seconds, microseconds = reply
    return int(seconds) * 1000 + int(microseconds) // 1000
