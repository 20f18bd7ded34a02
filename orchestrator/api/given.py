"""What requests may say: bodies, and the options of lists."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Header, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from orchestrator.client.transport import MOST_AT_ONCE

MOST_IN_BULK = 10_000
"""Runs asked for in one request, if they fit into a body."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII | re.IGNORECASE)
_HALF = re.compile(r"[\ud800-\udfff]")


def _whole(text: str) -> str:
    """Refuses half a character, which no store takes."""
    if _HALF.search(text):
        raise ValueError("holds half a character (a lone surrogate)")
    return text


def _written_out(value: object) -> object:
    """Refuses what else could be read as a moment: numbers mean seconds to one, milliseconds to
    another."""
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise ValueError("must be written as RFC 3339 has it: 2026-11-22T15:04:05Z")
    return value


When = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Text = Annotated[str, AfterValidator(_whole)]
Limit = Annotated[int, Query(ge=1, le=MOST_AT_ONCE, description="How many at most.")]
Tags = Annotated[list[str], Query(alias="tag", description="Only with all of these.")]
Moment = Annotated[When | None, Query(description="RFC 3339.")]


def _key(text: str | None) -> str | None:
    # Headers are Latin-1: whatever is beyond is written as in URLs.
    return None if text is None else unquote(text)


IdempotencyKey = Annotated[
    str | None,
    Header(description="The same key again gives what the first request made."),
    AfterValidator(_key),
]


class Given(BaseModel):
    """A body. A name that is not known is a mistake, and said to be one."""

    model_config = ConfigDict(extra="forbid")


class RunGiven(Given):
    """A run that is asked for."""

    deployment: Text
    """``flow/deployment``, or the deployment's id."""
    parameters: dict[str, Any] | None = None
    """They go over the deployment's defaults."""
    tags: list[Text] = []
    scheduled_at: When | None = None
    """Null is now."""
    idempotency_key: Text | None = None
    """As the header; this one is stronger."""
    name: Text | None = None


class RunsGiven(Given):
    """Runs that are asked for together: all are checked before the first is made."""

    runs: Annotated[list[RunGiven], Field(min_length=1, max_length=MOST_IN_BULK)]


class RunOfDeploymentGiven(Given):
    """A run of the deployment in the path."""

    parameters: dict[str, Any] | None = None
    tags: list[Text] = []
    scheduled_at: When | None = None
    name: Text | None = None


class RetryGiven(Given):
    """What is different this time."""

    parameters: dict[str, Any] | None = None
    """They go over those of the run."""
    same_code: bool = False
    """Of the commit that the run had; else the newest."""


class IdsGiven(Given):
    """Runs to which the same is done."""

    ids: Annotated[list[Text], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RuleGiven(Given):
    """Exactly one of cron, interval (seconds) and rrule."""

    cron: Text | None = None
    interval: float | None = None
    rrule: Text | None = None
    timezone: Text | None = None
    anchor_date: When | None = None
    day_or: bool = True
    start_date: When | None = None
    end_date: When | None = None


class ScheduleGiven(RuleGiven):
    """A schedule."""

    active: bool = True
    parameters: dict[str, Any] | None = None
    slug: Text | None = None
    catchup: Text = "latest"
    overlap: Text = "allow"
    jitter: float = 0.0


class EventGiven(Given):
    """An event to be added to the feed."""

    event: Text
    resource: dict[Text, Text] | Text
    """An id, or labels, ``id`` among them."""
    payload: dict[str, Any] | None = None
    related: list[dict[Text, Text]] = []
    occurred: When | None = None
    id: Text | None = None
    """The same id again changes nothing."""
