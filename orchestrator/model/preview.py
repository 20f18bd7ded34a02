"""The next instants of a schedule, and what clocks do to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.model.clock import rfc3339, to_ms
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.schedule import Bounded, Rule, from_start, rule_of
from orchestrator.model.wallclock import WallClock
from orchestrator.model.zones import all_valid, change_between, to_local, zone_of

MOST_NAMED = 3
"""How many skipped times of one gap are named."""

_NEAR = timedelta(days=2)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One instant, in UTC and as clocks in the schedule's zone show it."""

    at: datetime
    local: datetime
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "at": rfc3339(to_ms(self.at)),
            "local": self.local.isoformat(),
            "notes": list(self.notes),
        }


def preview(definition: ScheduleDefinition, count: int, start: datetime) -> list[Upcoming]:
    """The next ``count`` instants from ``start`` on; fewer when the schedule ends before."""
    rule = rule_of(definition)
    zone = zone_of(definition.timezone, definition.expression)
    instants = list(islice(from_start(rule, start), count))
    return [
        Upcoming(instant, instant.astimezone(zone), notes(rule, zone, before, instant))
        for before, instant in pairwise([start, *instants])
    ]


def notes(rule: Rule, zone: ZoneInfo, before: datetime, instant: datetime) -> tuple[str, ...]:
    """What a person should know of an instant near which clocks change; ``before`` is the one
    before it, or the beginning of the preview."""
    if isinstance(rule, Bounded):
        rule = rule.rule
    if isinstance(rule, WallClock):
        return (*_of_gap(rule, before, instant), *_of_repeated_hour(rule, instant))
    return tuple(_of_shift(zone, before, instant))


def _of_gap(rule: WallClock, before: datetime, instant: datetime) -> Iterator[str]:
    """Times that do not exist: fired at once behind the gap, or left out."""
    low = max(before, instant - _NEAR) if rule.follows_clock else instant - _SECOND
    zone = rule.zone
    if low >= instant or _offset(low, zone) >= _offset(instant, zone):
        return
    end = change_between(low, instant, zone)
    first, last = to_local(end - _SECOND, zone) + _SECOND, to_local(end, zone)
    named = takewhile(lambda local: local < last, rule.times.since(first))
    times = list(islice(named, MOST_NAMED + 1))
    if not times:
        return
    texts = [_clock(local) for local in times[:MOST_NAMED]] + ["…"] * (len(times) > MOST_NAMED)
    verb = "does" if len(times) == 1 else "do"
    what = "left out" if rule.follows_clock else f"fires at {_clock(last)}"
    yield f"{', '.join(texts)} {verb} not exist on {first:%Y-%m-%d}, {what}"


def _of_repeated_hour(rule: WallClock, instant: datetime) -> Iterator[str]:
    passes = all_valid(to_local(instant, rule.zone), rule.zone)
    if len(passes) < 2:
        return
    if not rule.follows_clock:
        yield "repeated hour: first pass only"
    elif instant == passes[0]:
        yield "repeated hour: first pass"
    else:
        yield "repeated hour: second pass"


def _of_shift(zone: ZoneInfo, before: datetime, instant: datetime) -> Iterator[str]:
    """What follows elapsed time keeps its distance, and changes its local hour."""
    shift = _offset(instant, zone) - _offset(before, zone)
    if shift:
        minutes = abs(shift) // timedelta(minutes=1)
        direction = "forward" if shift > timedelta(0) else "back"
        yield f"clocks went {direction} by {minutes} minutes since the one before"


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
