"""Enduring: a loop that no trouble of the server ends."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from orchestrator.model.errors import ServerUnavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0

_log = logging.getLogger(__name__)


async def endure(what: str, turn: Callable[[], Awaitable[None]]) -> None:
    """Take turns without end. Trouble is logged when it begins and when it is over."""
    pause = 0.0
    while True:
        try:
            await turn()
        except ServerUnavailable as error:
            if not pause:
                _log.warning("%s: server unavailable, trying again: %s", what, error)
            pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            # Spread out: all that lost the server together must not come back together.
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - only a pause
        else:
            if pause:
                _log.info("%s: the server answers again", what)
            pause = 0.0
