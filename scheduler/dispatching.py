"""Dispatching: due instants become runs in their streams.

``attention`` says when to look at which deployment. What it says of the next seconds is looked at
and planned ahead, so that at the instant itself only prepared calls are sent. An entry is raised
only after looking, and the deployment is looked at once more after that: whatever became due in
between had lowered the entry in vain, and lowers it now.

However much there is to plan, it is done a little at a time: in between, what has become due is
sent, and the other loops of the scheduler (the lead is one of them) have their turn.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import DeploymentId
from orchestrator.store.attention import (
    due_attention,
    lower_attention,
    next_attention,
    raise_attention,
)
from orchestrator.store.caller import AsyncStore
from orchestrator.store.children import stop_children
from orchestrator.store.keys import RETENTION_MS
from orchestrator.store.requests import Request
from orchestrator.store.schedules import Agenda, agenda

from .planning import Outlook, outlook, outlooks, whole
from .serverclock import ServerClock
from .steps import calls_of

AHEAD_MS = 10_000
"""How early deployments are looked at and their calls prepared."""

PAGE = 1_000
"""Deployments looked at in one turn: then it is asked anew which are the first."""

AT_ONCE = 50
"""Calls in one pipeline: until it is answered the scheduler gets nothing else through."""

BREATH_SECONDS = 0.01
"""So long others wait for planning."""

LONGEST_SLEEP_MS = 5_000
WATCHFUL_SLEEP_MS = 2_000
"""While something is prepared: what follows it has to be prepared in time as well."""

REST_MS = 10_000
"""How long a deployment is left alone whose keys cannot be read."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Calls to send as soon as the server's time is ``at``."""

    at: int
    calls: tuple[Request[Any], ...]
    look_at: int | None


class Dispatcher:
    """Makes runs of what is due. Any number may work on one server."""

    def __init__(
        self, store: AsyncStore, clock: ServerClock, retention_ms: int = RETENTION_MS
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention_ms = retention_ms
        self._prepared: dict[DeploymentId, Prepared] = {}
        self._order: list[tuple[int, DeploymentId]] = []
        """A heap of their instants; and of some that are prepared no longer."""
        self._sent: deque[tuple[DeploymentId, int | None]] = deque()
        """Deployments whose calls were sent: to be raised, to this instant, and looked at again."""
        self._told: set[tuple[object, ...]] = set()
        self._breath_at = 0.0
        self.calm = asyncio.Event()
        """Nothing is being sent that is due: the rest of the scheduler may take its time."""
        self.calm.set()

    async def turn(self) -> int:
        """Send what is due, look at some deployments; the milliseconds until the next turn."""
        try:
            now_ms = await self._clock.read()
            await self._send(self._ready(now_ms))
            for sent in _portions(self._some_sent()):
                await self._settle(sent)
                await self._breathe()
            unseen = await self._unseen(now_ms)
            for some in _portions(dict(unseen[:PAGE])):
                await self._look(some)
                await self._breathe()
        except BaseException:
            # What was not finished has kept its entry in ``attention`` and is looked at again.
            self.forget()
            raise
        more = len(unseen) > PAGE
        return 0 if more or self._sent else await self._sleep_ms()

    def forget(self) -> None:
        """Start anew: everything that counts is on the server."""
        self._prepared.clear()
        self._order.clear()
        self._sent.clear()

    def _ready(self, now_ms: int) -> dict[DeploymentId, Prepared]:
        """What is due by now; it is prepared no longer."""
        ready: dict[DeploymentId, Prepared] = {}
        while self._order and self._order[0][0] <= now_ms:
            at, d = heapq.heappop(self._order)
            if d in self._prepared and self._prepared[d].at == at:
                ready[d] = self._prepared.pop(d)
        return ready

    async def _send(self, ready: Mapping[DeploymentId, Prepared]) -> None:
        calls = iter([(d, call) for d, each in ready.items() for call in each.calls])
        done = set(ready)
        self.calm.clear()
        try:
            while some := tuple(islice(calls, AT_ONCE)):
                portion: dict[DeploymentId, tuple[Request[Any], ...]] = {}
                for d, call in some:
                    portion[d] = (*portion.get(d, ()), call)
                done -= portion.keys() - (await self._ask(portion)).keys()
        finally:
            self.calm.set()
        self._sent.extend((d, each.look_at) for d, each in ready.items() if d in done)

    async def _breathe(self) -> None:
        """In the midst of a turn: let the other loops go on, and send what has become due."""
        if time.monotonic() >= self._breath_at:
            await asyncio.sleep(0)
            await self._send(self._ready(self._clock.estimate()))
            self._breath_at = time.monotonic() + BREATH_SECONDS

    def _some_sent(self) -> dict[DeploymentId, int | None]:
        return dict(self._sent.popleft() for _ in range(min(PAGE, len(self._sent))))

    async def _settle(self, sent: dict[DeploymentId, int | None]) -> None:
        """Raise the entries; then look again and lower those that were raised too far."""
        raised = await self._ask({d: (raise_attention(d, at),) for d, at in sent.items()})
        looks = await self._ask({d: (agenda(d),) for d in raised})
        lowered: dict[DeploymentId, tuple[Request[Any], ...]] = {}
        for d, (seen,) in looks.items():
            at, needed = sent[d], _next_look(d, seen)
            if needed is not None and (at is None or needed < at):
                lowered[d] = (lower_attention(d, needed),)
        await self._ask(lowered)

    async def _unseen(self, now_ms: int) -> list[tuple[DeploymentId, int]]:
        """Entries of the time ahead that are neither prepared nor being settled."""
        settling = {d for d, _ in self._sent}
        limit = len(self._prepared) + len(settling) + PAGE + 1
        entries = await self._store.call(due_attention(now_ms + AHEAD_MS, limit))
        return [
            (d, at)
            for d, at in entries
            if d not in settling and not (d in self._prepared and self._prepared[d].at == at)
        ]

    async def _look(self, some: Mapping[DeploymentId, int]) -> None:
        """Look at deployments, and prepare or do what there is to do at their instants."""
        for d in some:
            self._prepared.pop(d, None)  # by what may be different now
        looks = await self._ask({d: (agenda(d),) for d in some})
        ready: dict[DeploymentId, Prepared] = {}
        for d, (seen,) in looks.items():
            if seen.parting and not await self._part(d, seen):
                continue
            each = await self._prepare(d, seen, max(some[d], seen.now_ms))
            if each.at <= seen.now_ms:
                ready[d] = each
            else:
                self._prepared[d] = each
                heapq.heappush(self._order, (each.at, d))
        await self._send(ready)

    async def _part(self, d: DeploymentId, seen: Agenda) -> bool:
        """Cancel the children that runs have left; whether that could be done."""
        try:
            for parent in seen.parting:
                await self._store.follow(stop_children(parent, self._retention_ms))
        except ServerUnavailable:
            raise
        # The keys of some child are damaged: as with those of the deployment itself (F55).
        except Exception as error:  # noqa: BLE001
            await self._rest(d, error)
            return False
        return True

    async def _rest(self, d: DeploymentId, error: Exception) -> None:
        self._tell(("unreadable", d, str(error)), "deployment %s: unreadable: %r", d, error)
        await self._store.call(raise_attention(d, self._clock.estimate() + REST_MS))

    async def _prepare(self, d: DeploymentId, seen: Agenda, at: int) -> Prepared:
        parts = []
        for part in outlooks(d, seen, at):
            parts.append(part)
            await self._breathe()
        view = whole(parts)
        self._tell_broken(d, view)
        return Prepared(at, tuple(calls_of(d, view, self._retention_ms)), view.look_at)

    async def _sleep_ms(self) -> int:
        first = await self._store.call(next_attention())
        now_ms = self._clock.estimate()
        if first is None:
            return LONGEST_SLEEP_MS
        if self._order:
            return min(max(0, self._order[0][0] - now_ms), WATCHFUL_SLEEP_MS)
        return min(max(0, first - AHEAD_MS - now_ms), LONGEST_SLEEP_MS)

    async def _ask(
        self, calls: dict[DeploymentId, tuple[Request[Any], ...]]
    ) -> dict[DeploymentId, list[Any]]:
        """The answers, all asked for at once. Deployments that cannot answer are left out."""
        flat = [call for each in calls.values() for call in each]
        try:
            answers = iter(await self._store.call_all(flat))
        except ServerUnavailable:
            raise
        # An answer that cannot be read belongs to one deployment: found by asking each on its own,
        # which is safe because every call may be repeated.
        except Exception:  # noqa: BLE001
            return await self._ask_each(calls)
        return {d: list(islice(answers, len(each))) for d, each in calls.items()}

    async def _ask_each(
        self, calls: dict[DeploymentId, tuple[Request[Any], ...]]
    ) -> dict[DeploymentId, list[Any]]:
        answers: dict[DeploymentId, list[Any]] = {}
        for d, each in calls.items():
            try:
                answers[d] = await self._store.call_all(each)
            except ServerUnavailable:
                raise
            # Its keys are damaged or from another version: reported, left alone for a while, and
            # no reason to keep the others waiting (F55).
            except Exception as error:  # noqa: BLE001
                await self._rest(d, error)
        return answers

    def _tell_broken(self, d: DeploymentId, view: Outlook) -> None:
        for each in view.broken:
            self._tell(
                ("broken", d, each.slug, str(each.error)),
                "deployment %s: schedule %s cannot be planned and stands still: %s",
                d,
                each.slug,
                each.error,
            )

    def _tell(self, what: tuple[object, ...], message: str, *values: object) -> None:
        """Log it, once."""
        if what not in self._told:
            self._told.add(what)
            _log.error(message, *values)


def _portions(what: Mapping[DeploymentId, T]) -> Iterator[dict[DeploymentId, T]]:
    """A few of them at a time."""
    entries = iter(what.items())
    while some := dict(islice(entries, AT_ONCE)):
        yield some


def _next_look(d: DeploymentId, seen: Agenda) -> int | None:
    """When a deployment must be looked at: now if there is work, else at its next instant."""
    view = outlook(d, seen, seen.now_ms)
    return seen.now_ms if view.has_work or seen.parting else view.look_at
