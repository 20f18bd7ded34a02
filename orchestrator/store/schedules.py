"""Schedules: what is to be planned, and the one step that makes occurrences runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from orchestrator.model.deployment import Overlap, ScheduleDefinition, ScheduleRecord
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.store import keys
from orchestrator.store.requests import Request, Word, as_word, for_deployment
from orchestrator.store.texts import maybe_int, record_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What the scheduler must know of a deployment to plan."""

    now_ms: int
    paused: bool
    gone: bool
    schedules: tuple[ScheduleRecord, ...]
    parameters: str
    """The deployment's defaults, JSON text."""
    delayed_due: int | None
    """When the first delayed run becomes due."""
    parting: tuple[RunId, ...] = ()
    """Runs whose children are to be cancelled: see ``stop_children``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One instant of a schedule, about to become a run."""

    run_id: RunId
    due_ms: int
    """When it may begin: the instant, or later by the schedule's jitter."""
    parameters: str
    late: bool
    """Behind all others: part of a backlog."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """How many delayed runs were queued, and when the next one is due."""

    count: int
    next_due: int | None


def agenda(d: DeploymentId) -> Request[Agenda]:
    """Look at the schedules and at what is delayed."""
    return for_deployment(d, "agenda", _agenda)


def tick_schedule(
    d: DeploymentId,
    slug: str,
    generation: int,
    cursor_seen: int,
    cursor: int,
    next_ms: int | None,
    occurrences: Sequence[Occurrence],
    overlap: Overlap = "allow",
    retention_ms: int = keys.RETENTION_MS,
) -> Request[Word]:
    """Make the occurrences runs and move the cursor, in one step: ``ok``, ``stale`` (the rule or
    cursor is another by now), ``paused`` or ``gone``. ``overlap`` decides about occurrences that
    find earlier runs of the schedule not over."""
    return for_deployment(
        d,
        "tick_schedule",
        as_word,
        slug=slug,
        generation=generation,
        cursor_seen=cursor_seen,
        cursor=cursor,
        next_ms=text_of(next_ms),
        overlap=overlap,
        retention_ms=retention_ms,
        occurrences=[
            text
            for each in occurrences
            for text in (each.run_id, each.due_ms, each.parameters, "1" if each.late else "")
        ],
    )


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
    slugs = sorted(name.removesuffix(":rule") for name in fields if name.endswith(":rule"))
    return tuple(_schedule(slug, fields) for slug in slugs)


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
        schedules=schedules_of(record_of(schedules)),
        parameters=parameters,
        delayed_due=maybe_int(delayed_due),
        parting=tuple(map(RunId, parting)),
    )
