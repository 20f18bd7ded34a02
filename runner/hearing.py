"""The control channels of all deployments served: "look again", and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.caller import AsyncStore

from .identity import Identity


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
    ) -> None:
        self._store, self._wake, self._beat_now = store, wake, beat_now
        self._look_now = look_now
        self._by_channel = {keys.control(d): d for d in here.served}

    async def loop(self) -> None:
        """Hear for ever; a broken connection is made anew below us."""
        async for channel, message in self._store.listen(*self._by_channel):
            if message == "queue":
                self._wake([self._by_channel[channel]])
            elif message == "runs":
                self._beat_now()
            elif message == "drain":
                self._look_now()
            elif message == "connected":
                # What was said meanwhile is lost: look at everything.
                self._wake(self._by_channel.values())
                self._beat_now()
