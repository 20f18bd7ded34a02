"""A spawner for each place's code as it is now; its forerunners until their last run has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from orchestrator.execution.lacking import lacking
from orchestrator.execution.pipe import Message
from orchestrator.model.code import Code
from orchestrator.model.deployment import ServedCode

from . import events
from .codebases import Codebase
from .contact import pause_after
from .identity import Identity
from .outcomes import Fate
from .spawners import Spawner
from .strays import kill_strays

Fetch = Callable[[Codebase, str], Awaitable[Code | str]]
"""The code of a revision, or why it cannot be had."""


class Child(Protocol):
    """What a process is forked for, as far as spawners go."""

    key: str
    fate: Fate | None

    @property
    def revision(self) -> str: ...

    @property
    def full_name(self) -> str: ...

    def launch(self, spawner: Spawner) -> None: ...

    def ready(self, pid: int) -> None: ...

    def not_launched(self) -> bool: ...

    def refused(self, why: str) -> None: ...

    def lacked(self, why: str) -> None: ...

    def ended(self, packet: Message | None) -> None: ...


class Spawning:
    """Gives runs to the spawner of their code, and replaces one that is stale, dead or outdated."""

    def __init__(
        self,
        here: Identity,
        places: Mapping[str, Codebase],
        *,
        loaded: Callable[[], None],
        guests: Callable[[], AbstractSet[int]],
        fetch: Fetch,
        changed: Callable[[Codebase], None],
    ) -> None:
        self._here, self._loaded, self._guests = here, loaded, guests
        self._fetch, self._changed = fetch, changed
        self._children: dict[str, Child] = {}
        self._places = places
        self._of_flow = {name: place for place in places.values() for name in place.flows}
        self._living: set[Spawner] = set()
        self._dead: asyncio.Queue[Spawner] = asyncio.Queue()
        self._fetching: set[asyncio.Task[None]] = set()
        self._closing = False
        for place in places.values():
            self._adopt(place.current)

    @property
    def is_ready(self) -> bool:
        """Whether a run of any deployment could be forked now."""
        return all(map(self.is_ready_for, self._of_flow))

    @property
    def isolation(self) -> dict[str, str]:
        """full name -> how its runs get their processes."""
        return _merged(place.current.isolation for place in self._places.values())

    @property
    def faults(self) -> dict[str, str]:
        """full name -> why its code could not be loaded."""
        return _merged(place.current.faults for place in self._places.values())

    @property
    def hooks(self) -> dict[str, list[str]]:
        """full name -> final states for which its flow has hooks."""
        return _merged(place.current.hooks for place in self._places.values())

    @property
    def code(self) -> dict[str, ServedCode]:
        """full name -> what its runs execute, as far as that is known: of a script when it has been
        loaded."""
        places = [place for place in self._places.values() if place.current.content]
        return {name: place.served(name) for place in places for name in place.flows}

    def is_ready_for(self, name: str) -> bool:
        """Whether a run of the deployment could be forked now."""
        return self._of_flow[name].current.is_loaded and not self._closing

    def can_take(self, child: Child) -> bool:
        """Whether it, given now, would begin, at the latest when its code is loaded."""
        return self._of_flow[child.full_name].current.is_alive and not self._closing

    def begin(self, child: Child) -> None:
        """Have a process for it: of the newest good code, or of the code that it asks for."""
        place, wanted = self._of_flow[child.full_name], child.revision
        spawner = place.current
        if wanted and not place.is_at(wanted):
            spawner = place.pinned.get(wanted) or self._pin(place, wanted)
        try:
            child.launch(spawner)
        except OSError as error:
            if (what := lacking(error)) is None:
                raise
            child.lacked(f"its runner has {what}")
            self._leave_if_idle(spawner)
            return
        self._children[child.key] = child
        spawner.keys.add(child.key)

    def offer(self, place: Codebase, code: Code) -> None:
        """There is newer code: load it beside what serves. It serves as soon as it has loaded."""
        if self._closing or place.is_at(code.revision):
            return
        if place.candidate is not None:
            if place.candidate.code == code:
                self._refuse(place, place.candidate, "importing it goes on since the last look")
                return
            place.candidate.kill()
        place.candidate = place.start(code)
        self._adopt(place.candidate)

    async def loop(self) -> None:
        """Clean up after each spawner that ends, and replace the current one of its place."""
        while True:
            spawner = await self._dead.get()
            spawner.kill()
            code = await spawner.gone()
            self._living.discard(spawner)
            # Its trees first: nobody may begin one of its runs again while they live (I4).
            await kill_strays(lambda: self._pids() | self._guests())
            for key in spawner.keys:
                self._children.pop(key).ended(None)
            await self._be_replaced(spawner, code)

    async def close(self) -> None:
        """End all spawners; none has runs any more."""
        self._closing = True
        for task in self._fetching:
            task.cancel()
        for spawner in list(self._living):
            if spawner.is_loaded:
                spawner.send({"op": "quit"})
            else:
                spawner.kill()  # it hears nothing before the user's import is over
        while self._living:  # noqa: ASYNC110 - a few milliseconds, once
            await asyncio.sleep(0.005)

    async def _be_replaced(self, spawner: Spawner, code: int | None) -> None:
        place = self._places[spawner.key]
        _unpin(place, spawner)
        if self._closing:
            return
        if spawner is place.candidate:
            place.candidate = None
            self._refuse(place, spawner, f"its process ended with {code} while it was loaded")
        elif spawner is place.current:
            events.error("The spawner died; starting another.", pid=spawner.pid, exit=code)
            place.deaths_in_a_row += 1
            await asyncio.sleep(pause_after(place.deaths_in_a_row))
            self._adopt(place.renew())

    def _pids(self) -> set[int]:
        return {spawner.pid for spawner in self._living if spawner.pid is not None}

    def _adopt(self, spawner: Spawner) -> None:
        self._living.add(spawner)
        spawner.listen(self._heard)

    def _pin(self, place: Codebase, revision: str) -> Spawner:
        """A spawner of that revision, for as long as it has runs. It starts when its code is here;
        what it is told until then waits."""
        spawner = place.pinned[revision] = Spawner(place.key)
        spawner.is_stale = True
        self._adopt(spawner)
        task = asyncio.create_task(self._start_pinned(place, spawner, revision))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)
        return spawner

    async def _start_pinned(self, place: Codebase, spawner: Spawner, revision: str) -> None:
        code = await self._fetch(place, revision)
        if isinstance(code, Code):
            spawner.start(self._here.spec, code)
            return
        for key in list(spawner.keys):
            child = self._let_go(spawner, key)
            if child.fate is None:
                child.refused(f"its code {revision[:12]} cannot be had: {code}")
            else:
                child.ended(None)
        _unpin(place, spawner)
        spawner.give_up()

    def _heard(self, spawner: Spawner, packet: Message | None) -> None:
        if packet is None:
            spawner.close()
            self._dead.put_nowait(spawner)
            return
        match packet["op"]:
            case "forked":
                self._forked(spawner, packet)
            case "ended":
                self._ended(spawner, packet)
            case "refused":
                self._refused(spawner, packet)
            case "lacked":
                self._lacked(spawner, packet)
            case "loaded":
                self._has_loaded(spawner, packet)
            case "stale":
                self._has_become_stale(spawner, packet["path"])
                self._begin_again(spawner, packet["key"])

    def _forked(self, spawner: Spawner, packet: Message) -> None:
        child = self._children[packet["key"]]
        if spawner.isolation[child.full_name] == "fork":
            # A fresh interpreter says so itself. It takes long: were the server asked now, a hold
            # or a cancel until then would come too late.
            child.ready(packet["pid"])

    def _ended(self, spawner: Spawner, packet: Message) -> None:
        self._let_go(spawner, packet["key"]).ended(packet)
        self._leave_if_idle(spawner)

    def _refused(self, spawner: Spawner, packet: Message) -> None:
        self._let_go(spawner, packet["key"]).refused(packet["why"])
        self._leave_if_idle(spawner)

    def _lacked(self, spawner: Spawner, packet: Message) -> None:
        """This host has no process for it: that says nothing of the run, or of its code."""
        child = self._let_go(spawner, packet["key"])
        child.not_launched()
        child.lacked(f"its host has {packet['why']}")
        self._leave_if_idle(spawner)

    def _has_loaded(self, spawner: Spawner, packet: Message) -> None:
        place = self._places[spawner.key]
        spawner.loaded(packet)
        if spawner is place.candidate:
            place.candidate = None
            self._judge(place, spawner)
        elif spawner is place.current:
            place.deaths_in_a_row = 0
            for name, why in spawner.faults.items():
                events.error("A flow could not be loaded; its runs will crash.", flow=name, why=why)
        self._loaded()

    def _judge(self, place: Codebase, spawner: Spawner) -> None:
        """Let the new code serve if all of it could be loaded; else the last good one goes on."""
        if spawner.faults:
            name, why = next(iter(spawner.faults.items()))
            self._refuse(place, spawner, f"{name} cannot be loaded: {why.strip()}")
            spawner.is_stale = True
            self._leave_if_idle(spawner)
            return
        former, place.current, place.trouble = place.current, spawner, None
        former.is_stale = True
        self._leave_if_idle(former)
        for name, how in spawner.misfits.items():
            events.warning(
                "The parameters are not those that were registered; restart the serving script.",
                flow=name,
                changes=how,
            )
        self._changed(place)

    def _refuse(self, place: Codebase, spawner: Spawner, why: str) -> None:
        code = spawner.code.short if spawner.code is not None else "?"
        trouble = f"the new code {code} does not serve: {why}"
        if trouble != place.trouble:
            place.trouble = trouble
            self._changed(place)

    def _has_become_stale(self, spawner: Spawner, path: str) -> None:
        place = self._places[spawner.key]
        if spawner is place.current:
            events.info("The code has changed; later runs get the new one.", path=path)
            spawner.is_stale = True
            self._adopt(place.renew())

    def _begin_again(self, spawner: Spawner, key: str) -> None:
        """A stale spawner has forked nothing for this run: the new one does."""
        child = self._let_go(spawner, key)
        _unpin(self._places[spawner.key], spawner)
        if child.not_launched():
            self.begin(child)
        else:
            child.ended(None)
        self._leave_if_idle(spawner)

    def _let_go(self, spawner: Spawner, key: str) -> Child:
        """The spawner has no process of it, and will have none."""
        spawner.keys.discard(key)
        return self._children.pop(key)

    def _leave_if_idle(self, spawner: Spawner) -> None:
        if spawner.is_stale and not spawner.keys:
            _unpin(self._places[spawner.key], spawner)
            spawner.send({"op": "quit"})


def _unpin(place: Codebase, spawner: Spawner) -> None:
    """No later run gets it."""
    for revision in [r for r, pinned in place.pinned.items() if pinned is spawner]:
        del place.pinned[revision]


def _merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}
