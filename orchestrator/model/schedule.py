"""Schedule rules: from a stored definition to instants. Pure: no clock, no I/O."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any, Protocol

from orchestrator.model.cron import CronTimes
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.errors import InvalidSchedule
from orchestrator.model.ids import DeploymentId
from orchestrator.model.interval import DEFAULT_ANCHOR, interval_of, interval_rule
from orchestrator.model.recurrences import Recurrences
from orchestrator.model.wallclock import WallClock
from orchestrator.model.zones import FIRST_INSTANT, zone_of

_JUST_BEFORE = timedelta(microseconds=1)


class Rule(Protocol):
    """When a schedule is due."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Strictly rising instants (aware, UTC) later than the aware ``moment``."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A rule between two instants, both included."""

    rule: Rule
    start: datetime | None
    end: datetime | None

    def after(self, moment: datetime) -> Iterator[datetime]:
        if self.start is not None:
            moment = max(moment, self.start - _JUST_BEFORE)
        instants = self.rule.after(moment)
        end = self.end
        return instants if end is None else takewhile(lambda instant: instant <= end, instants)


def rule_of(definition: ScheduleDefinition) -> Rule:
    """The rule that a definition describes; equal definitions share one.

    Raises:
        InvalidSchedule: it cannot be understood, or it never fires.
    """
    details = json.dumps(definition.details, sort_keys=True)
    return _compiled(definition.kind, definition.expression, definition.timezone, details)


def from_start(rule: Rule, start: datetime) -> Iterator[datetime]:
    """The instants of a rule from ``start`` on, ``start`` included."""
    return rule.after(max(start, FIRST_INSTANT) - _JUST_BEFORE)


def newest(rule: Rule, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The last ``most`` instants in (after, until], rising, however far apart the two are."""
    found = list(takewhile(lambda at: at <= until, islice(rule.after(after), most + 1)))
    span = timedelta(minutes=1)
    while len(found) > most:
        # Too many to walk them all (F63): look back from the end, further each time.
        begin = max(after, until - span)
        tail = deque(takewhile(lambda at: at <= until, rule.after(begin)), maxlen=most)
        if len(tail) == most or begin == after:
            found = list(tail)
        span *= 8
    return found


def jitter_ms(d: DeploymentId, definition: ScheduleDefinition, due_ms: int) -> int:
    """By how much an occurrence is late: the same for whoever computes it, and for no two
    schedules or instants alike."""
    most = round(definition.jitter_seconds * 1000)
    if not most:
        return 0
    digest = hashlib.sha256(f"{d}\0{definition.slug}\0{due_ms}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (most + 1)


@lru_cache(maxsize=16_384)
def _compiled(kind: str, expression: str, timezone: str, details_json: str) -> Rule:
    details: dict[str, Any] = json.loads(details_json)
    zone = zone_of(timezone, expression)
    rule: Rule
    if kind == "cron":
        times = CronTimes(expression, details.get("day_or", True))
        rule = WallClock(times, zone, times.follows_clock)
    elif kind == "interval":
        anchor = _moment(details.get("anchor")) or DEFAULT_ANCHOR.replace(tzinfo=zone)
        rule = interval_rule(interval_of(expression), anchor, zone)
    elif kind == "rrule":
        recurrences = Recurrences.read(expression, zone)
        rule = WallClock(recurrences, zone, recurrences.follows_clock)
    else:
        raise InvalidSchedule(expression, f"this version knows no schedules of kind {kind!r}")
    if next(rule.after(FIRST_INSTANT), None) is None:
        raise InvalidSchedule(expression, "never fires: no day fits all of its fields")
    if "start" not in details and "end" not in details:
        return rule
    rule = Bounded(rule, _moment(details.get("start")), _moment(details.get("end")))
    if next(rule.after(FIRST_INSTANT), None) is None:
        raise InvalidSchedule(expression, "never fires between its start_date and end_date")
    return rule


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
