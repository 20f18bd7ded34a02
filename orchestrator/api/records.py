"""The records as the OpenAPI document describes them. What is sent is ``to_json`` of the model's
own records; a test holds the two to the same names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.model.deployment import Catchup, Origin, Overlap, PausedBy


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


class DeploymentRecord(Record):
    """A flow made servable, as it stands."""

    id: str
    name: str
    flow: str
    entrypoint: str
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
    schedules: list[ScheduleRecord]
    triggers: list[Any]
    runners: list[str]
