"""What run processes ask for: they have no connection of their own to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

from orchestrator.execution.pipe import Message
from orchestrator.model.asked import Asked
from orchestrator.model.clock import Clock, from_ms
from orchestrator.model.errors import InvalidInput, OrchestratorError, RunNotFound
from orchestrator.model.event import about_run, event_of, event_text
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.caller import AsyncStore
from orchestrator.store.doors import Doors
from orchestrator.store.events import emit_event
from orchestrator.store.runs import pause_run, read_run
from orchestrator.store.submission import create_child, create_run, name_run
from orchestrator.store.waiting import Waiting

from . import events
from .contact import Contact
from .outcomes import Fate

FIRST_LOOK, LONGEST_LOOK = 0.02, 1.0
"""Seconds between looks at a run that has paused itself: short for short pauses."""

WAITING = frozenset({"wait_for_run", "pause_run"})
"""What nobody needs an answer to any more when the run is over. The others change something, and
are brought to their end."""


class Asking(Protocol):
    """A process that asks on behalf of a run."""

    id: RunId
    token: str
    fate: Fate | None
    has_children: bool
    holds_lease: bool
    """Only then can runs that it asks for be its children."""

    @property
    def why_stopped(self) -> str | None: ...

    @property
    def depth(self) -> int: ...

    @property
    def full_name(self) -> str: ...

    def child_ended(self, child: Run) -> None: ...

    def answer(self, message: Message) -> None: ...


class Requests:
    """Answers numbered requests, each in a task of its own."""

    def __init__(self, store: AsyncStore, waiting: Waiting, contact: Contact, clock: Clock) -> None:
        self._store, self._waiting = store, waiting
        self._contact, self._clock = contact, clock
        self._doors = Doors()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waits: dict[str, dict[int, asyncio.Task[None]]] = {}
        self._awaited: dict[str, dict[int, RunId]] = {}
        self._methods: dict[str, Callable[[Asking, dict[str, Any]], Awaitable[Any]]] = {
            "create_run": self._create_run,
            "read_run": lambda _, given: self.read_run(**given),
            "wait_for_run": lambda asking, given: self._wait_for_run(asking, **given),
            "emit_event": self._emit_event,
            "pause_run": lambda asking, _: self._pause_run(asking),
            "why_stopped": _why_stopped,
        }

    def answer(self, run: Asking, message: Message) -> None:
        """Have the request answered."""
        task = asyncio.create_task(self._answer(run, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if message["method"] in WAITING:
            waits = self._waits.setdefault(_key(run), {})
            waits[message["n"]] = task
            task.add_done_callback(lambda _: self._waited(run, message["n"]))
        if message["method"] == "wait_for_run":
            awaited = self._awaited.setdefault(_key(run), {})
            awaited[message["n"]] = RunId(message["arguments"]["run_id"])

    def withdraw(self, run: Asking, number: int | None = None) -> None:
        """Nobody waits any more for the answer to this request; None: to none of the run's."""
        waits = self._waits.get(_key(run), {})
        for each in list(waits) if number is None else [number]:
            if each in waits:
                waits[each].cancel()

    def awaited(self, key: str) -> tuple[RunId, ...]:
        """What the run with this key waits for."""
        return tuple(self._awaited.get(key, {}).values())

    def _waited(self, run: Asking, number: int) -> None:
        self._awaited.get(_key(run), {}).pop(number, None)
        waits = self._waits[_key(run)]
        del waits[number]
        if not waits:
            del self._waits[_key(run)]
            self._awaited.pop(_key(run), None)

    async def read_run(self, run_id: str) -> Run:
        """The run as it is.

        Raises:
            RunNotFound, ServerUnavailable
        """
        run = await self._store.call(read_run(RunId(run_id)))
        if run is None:
            raise RunNotFound(run_id)
        return run

    async def _wait_for_run(
        self,
        asking: Asking,
        run_id: str,
        timeout: float | None = None,  # noqa: ASYNC109 - its passing is an answer, no error
    ) -> Run:
        run = await self._waiting.wait(RunId(run_id), timeout)
        asking.child_ended(run)
        return run

    async def _pause_run(self, asking: Asking) -> None:
        """Answered when somebody has resumed it: the process is stopped a moment after it asked,
        and must not go on in between."""
        await self._store.call(pause_run(asking.id, "itself", lasting=False))
        pause = FIRST_LOOK
        while (await self.read_run(asking.id)).state is State.PAUSED:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _create_run(self, asking: Asking, given: dict[str, Any]) -> Run:
        """Asked again until the server answers: the id is the same each time (I15)."""
        scheduled_at = given.get("scheduled_at")
        linked = given.pop("as_subflow") and asking.holds_lease
        asked = Asked(
            **{
                **given,
                "name": given.get("name") or None,
                "scheduled_at": None if scheduled_at is None else from_ms(scheduled_at),
                "created_by": f"run:{asking.id}",
                "parent": asking.id if linked else None,
                "depth": asking.depth + 1,
            }
        )
        run_id = name_run(asked, self._clock)
        asking.has_children |= linked
        return await self._contact.persist(partial(self._create, asked, asking.token, run_id))

    async def _create(self, asked: Asked, token: str, run_id: RunId) -> Run:
        if asked.parent is None:
            return await self._store.follow(create_run(asked, self._clock, run_id, self._doors))
        return await self._store.follow(create_child(asked, token, run_id))

    async def _emit_event(self, asking: Asking, given: dict[str, Any]) -> dict[str, str]:
        """As text: the record has more than the pipe must know. Asked again until the server
        answers: the id is the same each time (I24)."""
        told = event_of("", given["event"])
        event = about_run(told, asking.id, asking.full_name, asking.depth)
        stored = await self._contact.persist(lambda: self._store.call(emit_event(event)))
        return {"position": stored.position, "event": event_text(stored)}

    async def _answer(self, run: Asking, message: Message) -> None:
        reply: Message = {"op": "reply", "n": message["n"]}
        try:
            method = self._methods.get(message["method"])
            if method is None:
                raise InvalidInput(f"a run cannot ask for {message['method']!r}")
            answer = await method(run, message["arguments"])
            if message["method"] in WAITING:
                reply["stopping"] = run.fate is Fate.CANCELLED
            reply["result"] = asdict(answer) if isinstance(answer, Run) else answer
        except OrchestratorError as error:
            reply["error"] = {"type": type(error).__name__, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - the run must get an answer, and others go on
            events.error("A request of a run could not be answered.", run_id=run.id, trace=error)
            reply["error"] = {"type": "OrchestratorError", "message": f"{error!r}"}
        run.answer(reply)


def _key(run: Asking) -> str:
    return f"{run.id}:{run.token}"


async def _why_stopped(run: Asking, _: dict[str, Any]) -> str | None:
    """``cancel``, ``drain``, ``lost`` or ``leaving``; None when it was nothing of this runner's."""
    return run.why_stopped
