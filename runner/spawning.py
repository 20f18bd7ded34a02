"""One spawner for the code as it is now; its forerunners until their last run has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Protocol

from orchestrator.execution.pipe import Message

from . import events
from .contact import pause_after
from .identity import Identity
from .spawners import Spawner
from .strays import kill_strays


class Child(Protocol):
    """What a process is forked for, as far as spawners go."""

    key: str

    @property
    def full_name(self) -> str: ...

    def launch(self, spawner: Spawner) -> None: ...

    def ask_to_start(self, pid: int) -> None: ...

    def not_launched(self) -> bool: ...

    def refused(self, why: str) -> None: ...

    def ended(self, packet: Message | None) -> None: ...


class Spawning:
    """Gives runs to the current spawner, and replaces one that is stale or dead."""

    def __init__(
        self,
        here: Identity,
        first: Spawner,
        *,
        loaded: Callable[[], None],
        guests: Callable[[], AbstractSet[int]],
    ) -> None:
        self._here, self._loaded, self._guests = here, loaded, guests
        self._children: dict[str, Child] = {}
        self._living: dict[int, Spawner] = {}
        self._dead: asyncio.Queue[Spawner] = asyncio.Queue()
        self._deaths_in_a_row = 0
        self._closing = False
        self.isolation: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        """full name -> why its code could not be loaded."""
        self.hooks: dict[str, list[str]] = {}
        """full name -> final states for which its flow has hooks."""
        self.current = first
        self._adopt(first)

    @property
    def is_ready(self) -> bool:
        """Whether a run could be forked now."""
        return self.current.is_loaded and not self._closing

    @property
    def can_take(self) -> bool:
        """Whether a run given now would begin, at the latest when the code is loaded."""
        return self.current.is_alive and not self._closing

    def begin(self, child: Child) -> None:
        """Have the current spawner fork a process for it."""
        self._children[child.key] = child
        self.current.keys.add(child.key)
        child.launch(self.current)

    async def loop(self) -> None:
        """Clean up after each spawner that ends, and replace the current one."""
        while True:
            spawner = await self._dead.get()
            spawner.kill()
            code = await spawner.gone()
            self._living.pop(spawner.pid)
            # Its trees first: nobody may begin one of its runs again while they live (I4).
            await kill_strays(lambda: self._living.keys() | self._guests())
            for key in spawner.keys:
                self._children.pop(key).ended(None)
            if spawner is self.current and not self._closing:
                events.error("The spawner died; starting another.", pid=spawner.pid, exit=code)
                self._deaths_in_a_row += 1
                await asyncio.sleep(pause_after(self._deaths_in_a_row))
                self._replace()

    async def close(self) -> None:
        """End all spawners; none has runs any more."""
        self._closing = True
        for spawner in list(self._living.values()):
            if spawner.is_loaded:
                spawner.send({"op": "quit"})
            else:
                spawner.kill()  # it hears nothing before the user's import is over
        while self._living:  # noqa: ASYNC110 - a few milliseconds, once
            await asyncio.sleep(0.005)

    def _replace(self) -> None:
        self.current = Spawner(self._here.spec)
        self._adopt(self.current)

    def _adopt(self, spawner: Spawner) -> None:
        self._living[spawner.pid] = spawner
        spawner.listen(self._heard)

    def _heard(self, spawner: Spawner, packet: Message | None) -> None:
        if packet is None:
            spawner.close()
            self._dead.put_nowait(spawner)
            return
        match packet["op"]:
            case "forked":
                self._forked(packet)
            case "ended":
                self._ended(spawner, packet)
            case "refused":
                self._refused(spawner, packet)
            case "loaded":
                self._has_loaded(spawner, packet)
            case "stale":
                self._has_become_stale(spawner, packet["path"])
                self._begin_again(spawner, packet["key"])

    def _forked(self, packet: Message) -> None:
        child = self._children[packet["key"]]
        if self.isolation[child.full_name] == "fork":
            # It is ready in a moment: the server is asked meanwhile. A fresh interpreter takes
            # long; asked now, a hold or a cancel until then would come too late.
            child.ask_to_start(packet["pid"])

    def _ended(self, spawner: Spawner, packet: Message) -> None:
        spawner.keys.discard(packet["key"])
        self._children.pop(packet["key"]).ended(packet)
        _leave_if_idle(spawner)

    def _refused(self, spawner: Spawner, packet: Message) -> None:
        spawner.keys.discard(packet["key"])
        self._children.pop(packet["key"]).refused(packet["why"])
        _leave_if_idle(spawner)

    def _has_loaded(self, spawner: Spawner, packet: Message) -> None:
        spawner.is_loaded = True
        self._deaths_in_a_row = 0
        self.isolation, self.hooks = packet["isolation"], packet["hooks"]
        self.faults = {name: why for name, why in packet["flows"].items() if why}
        for name, why in self.faults.items():
            events.error("A flow could not be loaded; its runs will crash.", flow=name, why=why)
        self._loaded()

    def _has_become_stale(self, spawner: Spawner, path: str) -> None:
        if spawner is self.current:
            events.info("The code has changed; later runs get the new one.", path=path)
            spawner.is_stale = True
            self._replace()

    def _begin_again(self, spawner: Spawner, key: str) -> None:
        """A stale spawner has forked nothing for this run: the new one does."""
        spawner.keys.discard(key)
        child = self._children.pop(key)
        if child.not_launched():
            self.begin(child)
        else:
            child.ended(None)
        _leave_if_idle(spawner)


def _leave_if_idle(spawner: Spawner) -> None:
    if spawner.is_stale and not spawner.keys:
        spawner.send({"op": "quit"})
