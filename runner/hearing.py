"""The control channels of all deployments served, and the ends of runs that are waited for: "look
again", and nothing more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.listening import Ear

from .identity import Identity

FEW = 4
SPREAD_SECONDS = 0.5


def patience(crowd: int) -> float:
    """Seconds that one of ``crowd`` runners waits before it looks for tickets.

    A thousand that ask at once for one run are a thousand commands: a few look at once, the others
    at any time within half a second, and one look answers all that was said until then.
    """
    if crowd <= FEW or random.random() < FEW / crowd:  # noqa: S311 - spreads load, guards nothing
        return 0.0
    return random.uniform(0, SPREAD_SECONDS)  # noqa: S311


class Hearing:
    """Wakes who must look. A lost message delays until the next look, and loses nothing."""

    def __init__(
        self,
        here: Identity,
        ear: Ear,
        *,
        wake: Callable[[Iterable[DeploymentId]], None],
        beat_now: Callable[[], None],
        look_now: Callable[[], None],
        crowd: Callable[[DeploymentId], int],
        ended: Callable[[str, str], None],
    ) -> None:
        """``crowd``: how many runners serve a deployment."""
        self._ear, self._wake, self._beat_now = ear, wake, beat_now
        self._look_now, self._crowd, self._ended = look_now, crowd, ended
        self._soon: dict[DeploymentId, asyncio.TimerHandle] = {}
        self._by_channel = {keys.control(d): d for d in here.served}
        for channel in self._by_channel:
            ear.add(channel)

    async def loop(self) -> None:
        """Hear for ever; a broken connection is made anew below us."""
        async for channel, message in self._ear.messages():
            if channel not in self._by_channel:
                self._ended(channel, message)
            if message == "queue":
                self._wake_soon(self._by_channel[channel])
            elif message == "runs":
                self._beat_now()
            elif message == "drain":
                self._look_now()
            elif message == "connected":
                # What was said meanwhile is lost: look at everything.
                self._wake(self._by_channel.values())
                self._beat_now()

    def _wake_soon(self, d: DeploymentId) -> None:
        if d in self._soon:
            return
        pause = patience(self._crowd(d))
        if pause:
            self._soon[d] = asyncio.get_running_loop().call_later(pause, self._wake_now, d)
        else:
            self._wake([d])

    def _wake_now(self, d: DeploymentId) -> None:
        del self._soon[d]
        self._wake([d])
