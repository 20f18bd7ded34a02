"""Triggers: the feed is read on, and what its events do to each deployment's triggers is written.

The feed is read in order. A deployment's part of a page (progress, runs, up to where it was read)
is written in one step, which is refused when somebody else was first: then it is read anew and goes
on from where it stands. Pages that do nothing to a deployment cost it nothing: reading them again
after a change of leaders does nothing to it once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestrator.model.ids import DeploymentId, deployment_id
from orchestrator.store.caller import AsyncStore
from orchestrator.store.deployments import read_deployment
from orchestrator.store.events import Entry, entries_after, last_position
from orchestrator.store.triggers import (
    Failure,
    Fired,
    TriggeredRun,
    deployments_with_triggers,
    fire_triggers,
    read_armed,
)
from orchestrator.store.validation import Door

from .firing import outcome_of, run_of, split
from .listeners import Listeners
from .standing import Position, Standing, place

CHANGING = {f"deployment.{word}" for word in ("created", "updated", "deleted")} | {
    "trigger.enabled",
    "trigger.disabled",
}
"""After these events a deployment's triggers may be others."""

LATE_MS = 1_000
"""An event that happened this long ago has reached the feed, if it could be copied at all."""

WRITTEN_EVERY_MS = 30_000
"""So far may what is written lag behind what was read when nothing happened to a deployment."""

_MOST_NAMES = 10_000


class Triggers:
    """Every deployment's triggers, as far as they are known to this scheduler."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._standings: dict[DeploymentId, Standing] = {}
        self._listening: dict[str, Listeners] = {}
        """Name of an event -> who may care."""
        self._at: str | None = None
        """Up to where the feed was read; None: nothing is known yet."""
        self._read_anew: Position = (0, 0)
        """Changes up to here have been followed."""

    def forget(self) -> None:
        """Start anew: everything that counts is on the server."""
        self._at = None

    async def turn(self, now_ms: int) -> int | None:
        """Read the feed to its end; the instant at which time alone makes a trigger fire.

        ``now_ms``: the server's time before the outboxes were copied.
        """
        try:
            if self._at is None:
                await self._read_all()
            while page := await self._store.call(entries_after(self._at or "")):
                await self._evaluate(page)
            for standing in self._standings.values():
                standing.pass_time(now_ms - LATE_MS)
            await self._write(now_ms)
        except BaseException:
            self.forget()
            raise
        deadlines = [each.next_deadline for each in self._standings.values()]
        first = min((each for each in deadlines if each is not None), default=None)
        return None if first is None else first + LATE_MS + 1

    async def _read_all(self) -> None:
        self._standings = {}
        # First this: triggers that come while the others are read are told of after it.
        last = await self._store.call(last_position())
        found = await self._store.follow(deployments_with_triggers())
        self._at, self._read_anew = last, place(last)
        await self._read(found)

    async def _read(self, wanted: Iterable[DeploymentId]) -> None:
        """Take what the server has of these, and read the feed on from where they stand."""
        wanted = list(dict.fromkeys(wanted))
        armed = await asyncio.gather(*(self._store.follow(read_armed(d)) for d in wanted))
        for d, each in zip(wanted, armed, strict=True):
            self._standings.pop(d, None)
            if each.records:
                self._standings[d] = Standing.of(d, each)
        self._listening = {}
        places = [standing.at for standing in self._standings.values()]
        ms, number = min([*places, place(self._at or "")])
        self._at = f"{ms}-{number}"

    async def _evaluate(self, page: Sequence[Entry]) -> None:
        """Let a page happen; or first learn of the triggers that it says are others by now, which
        may mean to read some of the feed again for them."""
        if changed := self._changed(page):
            self._read_anew = place(page[-1].position)
            await self._read(changed)
            return
        for entry in page:
            self._happens(entry, place(entry.position))
        self._at = page[-1].position
        at = place(self._at)
        for standing in self._standings.values():
            standing.at = max(standing.at, at)
        await self._write(at[0])

    def _changed(self, page: Sequence[Entry]) -> list[DeploymentId]:
        return [
            deployment_id(entry.read().resource["deployment"])
            for entry in page
            if entry.name in CHANGING and place(entry.position) > self._read_anew
        ]

    def _happens(self, entry: Entry, at: Position) -> None:
        listeners = self._listeners(entry.name)
        if not listeners:
            return
        event = entry.read()
        for standing, record in listeners.of(event):
            if standing.at < at:
                standing.happens(record, event)

    def _listeners(self, name: str) -> Listeners:
        known = self._listening.get(name)
        if known is None:
            known = Listeners(
                (standing, record)
                for standing in self._standings.values()
                for record in standing.enabled
                if record.definition.expects(name) or record.definition.follows(name)
            )
            if len(self._listening) >= _MOST_NAMES:
                self._listening.clear()
            self._listening[name] = known
        return known

    async def _write(self, now_ms: int) -> None:
        """Write what has happened to each, all at once."""
        for standing in self._standings.values():
            if standing.has_news:
                standing.sweep(now_ms)
        due = [each for each in self._standings.values() if each.has_news or _lags(each)]
        words = await asyncio.gather(*(self._write_one(each, now_ms) for each in due))
        await self._read([each.d for each, word in zip(due, words, strict=True) if word != "ok"])

    async def _write_one(self, standing: Standing, now_ms: int) -> str:
        runs, failures = split(await self._outcomes(standing, now_ms) if standing.fired else [])
        ms, number = standing.at
        written = int(standing.armed.cursor.partition(" ")[2] or 0) + 1
        fired = Fired(
            # The number makes each writing differ from the one before: only one can follow it.
            cursor=f"{ms}-{number} {written}",
            progress=standing.to_write(),
            runs=runs,
            failures=failures,
        )
        word = await self._store.follow(fire_triggers(standing.d, standing.armed, fired))
        if word == "ok":
            standing.armed = replace(standing.armed, cursor=fired.cursor)
            standing.changed.clear()
            standing.fired.clear()
        return word

    async def _outcomes(
        self, standing: Standing, now_ms: int
    ) -> list[TriggeredRun | Failure | None]:
        deployment = await self._store.follow(read_deployment(standing.d))
        if deployment is None:
            return []
        door = Door(deployment)
        fired = standing.fired
        runs = await asyncio.gather(
            *(self._store.follow(run_of(firing.event, record)) for record, firing in fired)
        )
        return [
            outcome_of(record, firing, run, door, now_ms)
            for (record, firing), run in zip(fired, runs, strict=True)
        ]


def _lags(standing: Standing) -> bool:
    position = standing.armed.cursor.partition(" ")[0]
    written_ms = place(position)[0] if position else standing.armed.since_ms
    return standing.at[0] - written_ms > WRITTEN_EVERY_MS
