"""The records as the OpenAPI document describes them. What is sent is ``to_json`` of the model's
own records; a test holds the two to the same names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from orchestrator.model.deployment import Catchup, Origin, Overlap, PausedBy
from orchestrator.model.explanation import Code
from orchestrator.model.trigger import Posture

T = TypeVar("T")


class Record(BaseModel):
    """A newer server may send more than these fields."""

    model_config = ConfigDict(extra="allow")


class ScheduleRecord(Record):
    """A schedule of a deployment; ``jitter`` in seconds."""

    slug: str
    kind: Literal["cron", "interval", "rrule"]
    expression: str
    timezone: str
    active: bool
    parameters: dict[str, Any]
    catchup: Catchup
    overlap: Overlap
    jitter: float
    start_date: datetime | None
    end_date: datetime | None
    anchor_date: datetime | None
    """Of an interval: what it is counted from."""
    day_or: bool | None
    """Of a cron: whether day of month or weekday is enough."""
    origin: Origin
    edited: bool
    generation: int
    """Rises with every change of the rule."""
    cursor_at: datetime
    next_at: datetime | None


class TriggerRecord(Record):
    """Events that make a deployment run; ``within`` and ``schedule_after`` in seconds."""

    name: str
    description: str
    enabled: bool
    expect: list[str]
    after: list[str]
    match: dict[str, list[str]]
    match_related: list[dict[str, list[str]]]
    for_each: list[str]
    posture: Posture
    threshold: int
    within: float
    parameters: dict[str, Any]
    schedule_after: float
    since: datetime
    """Events of before do not count."""
    fired: int
    last_fired_at: datetime | None
    last_run: str | None
    last_error: str | None
    """Why the last firing made no run."""


class ServedCodeRecord(Record):
    """What a runner executes for a deployment."""

    source: str
    commit: str | None
    content_hash: str
    trouble: str | None
    misfit: str | None


class DeploymentRecord(Record):
    """A flow made servable, as it stands."""

    id: str
    name: str
    flow: str
    entrypoint: str
    source: str | None
    """The storage that its code is from."""
    version: str | None
    description: str | None
    tags: list[str]
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any]
    enforce_parameter_schema: bool
    options: dict[str, Any]
    paused: bool
    paused_by: PausedBy | None
    held: bool
    concurrency_limit: int | None
    retention_days: float | None
    """How long its runs are kept once they are over; none: as the settings say."""
    schedules: list[ScheduleRecord]
    triggers: list[TriggerRecord]
    runners: list[str]
    code: dict[str, ServedCodeRecord]
    """Runner -> what it executes, once it has loaded it."""


class VersionRecord(Record):
    """What a deployment was from one moment on."""

    number: int
    at: datetime
    version: str | None
    commit: str | None
    content_hash: str | None
    host: str | None
    pid: int | None
    runner: str | None
    changes: list[str]
    """Against the version before."""


class Step(Record):
    """One change of a run's state."""

    at: datetime
    state: str
    attempt: int
    runner: str | None
    reason: str | None


class RunRecord(Record):
    """One execution of a deployment."""

    id: str
    name: str
    deployment: str
    flow: str
    state: str
    """``Late`` stands for ``Scheduled`` when it is overdue."""
    attempt: int
    parameters: dict[str, Any]
    tags: list[str]
    created_at: datetime
    scheduled_at: datetime
    claimed_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    created_by: str
    runner: str | None
    host: str | None
    pid: int | None
    version: str | None
    commit: str | None
    """Of the repository that its code is from."""
    content_hash: str | None
    revision: str | None
    """The code that it was asked to have; null: the newest."""
    progress: Any
    error: dict[str, Any] | None
    result: Any
    idempotency_key: str | None
    peak_bytes: int | None
    cpu_seconds: float | None
    parent: str | None
    """The run that asked for it."""
    depth: int
    """How many runs stand above it."""
    children: int
    """How many runs it has asked for."""
    retry_of: str | None
    retried_as: str | None
    event: str | None
    """The id of the event for which a trigger made it."""
    paused_by: str | None
    """Who has paused it, until somebody resumes it."""
    reason: str | None
    history: list[Step]


class RunnerRecord(Record):
    """A serving process."""

    id: str
    name: str
    host: str
    pid: int
    limit: int
    running: int
    deployments: list[str]
    version: str
    started_at: datetime
    last_seen: datetime
    draining: bool
    isolation: dict[str, str]
    code: dict[str, ServedCodeRecord]
    lacks: str | None


class EventRecord(Record):
    """Something that happened to something."""

    id: str
    event: str
    resource: dict[str, str]
    payload: dict[str, Any]
    related: list[dict[str, str]]
    occurred: datetime
    received: datetime
    depth: int
    position: str


class RehearsalRecord(Record):
    """A firing of a trigger that would have been."""

    event: EventRecord | None
    """None: silence fired, and nothing had come before it."""
    at: datetime | None
    bucket: list[str]
    parameters: dict[str, Any] | None
    error: str | None


class LogRecord(Record):
    """A line of a run's log."""

    at: datetime
    level: str
    logger: str
    text: str
    attempt: int


class ExplanationRecord(Record):
    """Why a run is where it is: ``code`` for programs, ``sentence`` for people."""

    id: str
    state: str
    code: Code
    sentence: str
    notes: list[str]
    run: RunRecord


class Upcoming(Record):
    """An instant at which a schedule fires."""

    at: datetime
    local: datetime
    notes: list[str]


class Listed(BaseModel, Generic[T]):
    """Some records; ``next`` begins the next page, null behind the last one."""

    items: list[T]
    next: str | None


class RunsListed(Listed[RunRecord]):
    """Some runs, of those that were looked at: ``back_to`` says that not all could be, only those
    created then or later."""

    looked_at: int
    back_to: datetime | None
