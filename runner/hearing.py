"""The control channels of all deployments served: "look again", and nothing more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.caller import AsyncStore

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
        store: AsyncStore,
        *,
        wake: Callable[[Iterable[DeploymentId]], None],
        beat_now: Callable[[], None],
        look_now: Callable[[], None],
        crowd: Callable[[DeploymentId], int],
    ) -> None:
        """``crowd``: how many runners serve a deployment."""
        self._store, self._wake, self._beat_now = store, wake, beat_now
        self._look_now, self._crowd = look_now, crowd
        self._soon: dict[DeploymentId, asyncio.TimerHandle] = {}
        self._by_channel = {keys.control(d): d for d in here.served}

    async def loop(self) -> None:
        """Hear for ever; a broken connection is made anew below us."""
        async for channel, message in self._store.listen(*self._by_channel):
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
