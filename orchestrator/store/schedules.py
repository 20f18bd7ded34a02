"""Schedules: what is to be planned, and the one step that makes occurrences runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from orchestrator.model.deployment import Overlap, ScheduleDefinition, ScheduleRecord
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.store import keys
from orchestrator.store.requests import Argument, Request, Word, for_deployment
from orchestrator.store.texts import maybe_int, record_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What the scheduler must know of a deployment to plan."""

    now_ms: int
    paused: bool
    gone: bool
    stored: Mapping[str, str]
    """Its schedules field by field: there may be thousands, and most of the time few are due."""
    parameters: str
    """The deployment's defaults, JSON text."""
    delayed_due: int | None
    """When the first delayed run becomes due."""
    parting: tuple[RunId, ...] = ()
    """Runs whose children are to be cancelled: see ``stop_children``."""

    @property
    def schedules(self) -> tuple[ScheduleRecord, ...]:
        """All of them, by slug."""
        return schedules_of(self.stored)

    def active(self) -> Iterator[str]:
        """The slugs of those that make runs."""
        return (slug for slug in _slugs(self.stored) if self.stored[f"{slug}:active"] == "1")

    def next_ms(self, slug: str) -> int | None:
        """The next instant of one, as far as it was planned."""
        return maybe_int(self.stored.get(f"{slug}:next"))

    def schedule(self, slug: str) -> ScheduleRecord:
        """One of them."""
        return _schedule(slug, self.stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One instant of a schedule, about to become a run."""

    run_id: RunId
    due_ms: int
    """When it may begin: the instant, or later by the schedule's jitter."""
    parameters: str
    late: bool
    """Behind all others: part of a backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One step of one schedule: occurrences become runs, the cursor moves."""

    slug: str
    generation: int
    cursor_seen: int
    cursor: int
    next_ms: int | None
    occurrences: tuple[Occurrence, ...]
    overlap: Overlap = "allow"
    """What becomes of occurrences that find earlier runs of the schedule not over."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """How many delayed runs were queued, and when the next one is due."""

    count: int
    next_due: int | None


def agenda(d: DeploymentId) -> Request[Agenda]:
    """Look at the schedules and at what is delayed."""
    return for_deployment(d, "agenda", _agenda)


def tick_schedules(
    d: DeploymentId, ticks: Sequence[Tick], retention_ms: int = keys.RETENTION_MS
) -> Request[list[Word]]:
    """Make the occurrences of some schedules runs and move their cursors, in one step. For each
    ``ok``, ``stale`` (the rule or cursor is another by now), ``paused`` or ``gone``. It keeps the
    server from others meanwhile: let the runs be a hundred, not thousands."""

    def words(reply: list[Word]) -> list[Word]:
        # One word for all: the deployment is paused or gone.
        return reply if len(reply) == len(ticks) else reply * len(ticks)

    many = [text for tick in ticks for text in _texts(tick)]
    return for_deployment(d, "tick_schedules", words, retention_ms=retention_ms, many=many)


def _texts(tick: Tick) -> tuple[Argument, ...]:
    """In the order of the script."""
    runs = [
        text
        for each in tick.occurrences
        for text in (each.run_id, each.due_ms, each.parameters, "1" if each.late else "")
    ]
    next_ms = text_of(tick.next_ms)
    head = (tick.slug, tick.generation, tick.cursor_seen, tick.cursor, next_ms, tick.overlap)
    return (*head, len(runs), *runs)


def promote_delayed(d: DeploymentId, limit: int = 200) -> Request[Promoted]:
    """Queue the delayed runs whose time has come."""
    return for_deployment(
        d,
        "promote_delayed",
        lambda reply: Promoted(int(reply[1]), maybe_int(reply[2])),
        limit=limit,
    )


def rule_text(definition: ScheduleDefinition) -> str:
    """The rule as stored; the same text for the same rule."""
    return json.dumps(asdict(definition), sort_keys=True, ensure_ascii=False)


def schedules_of(fields: Mapping[str, str]) -> tuple[ScheduleRecord, ...]:
    """The records in the hash ``schedules``, by slug."""
    return tuple(_schedule(slug, fields) for slug in _slugs(fields))


def _slugs(fields: Mapping[str, str]) -> list[str]:
    return sorted(name.removesuffix(":rule") for name in fields if name.endswith(":rule"))


def _schedule(slug: str, fields: Mapping[str, str]) -> ScheduleRecord:
    definition = ScheduleDefinition(**json.loads(fields[f"{slug}:rule"]))
    return ScheduleRecord(
        # The rule says what its code or its maker wanted; the field beside it what holds now.
        definition=replace(definition, active=fields[f"{slug}:active"] == "1"),
        origin="user" if fields.get(f"{slug}:origin") == "user" else "code",
        generation=int(fields[f"{slug}:generation"]),
        cursor_ms=int(fields[f"{slug}:cursor"]),
        next_ms=maybe_int(fields.get(f"{slug}:next")),
        edited=fields.get(f"{slug}:edited") == "1",
    )


def _agenda(reply: list[Any]) -> Agenda:
    word, now_ms, paused, parameters, delayed_due, schedules, parting = reply
    return Agenda(
        now_ms=int(now_ms),
        paused=paused == "1",
        gone=word == "gone",
        stored=record_of(schedules),
        parameters=parameters,
        delayed_due=maybe_int(delayed_due),
        parting=tuple(map(RunId, parting)),
    )
