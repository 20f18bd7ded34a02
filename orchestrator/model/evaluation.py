"""What an event, or the passing of time, does to a trigger. Pure.

A *Reactive* trigger fires at the event that makes ``threshold`` of them: within any span of
``within`` seconds, or within that time after the latest event of ``after``. A *Proactive* one waits
for ``threshold`` events from a beginning on, and fires when they have not come ``within`` seconds
later. It begins to wait with an event of ``after``; without ``after`` when it is made, and anew
with the event that ended the wait. Having fired, it waits again only when an event comes that could
begin a wait: it says once that something is silent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.model.event import Event, event_of, event_text
from orchestrator.model.trigger import Bucket, TriggerDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one bucket of a trigger has come. Times in milliseconds, as received."""

    times: tuple[int, ...] = ()
    """Of the events that count."""
    armed_at: int | None = None
    """When the latest event of ``after`` came."""
    deadline: int | None = None
    """Until when the expected events must have come."""
    event: Event | None = None
    """With what the wait for them began."""

    def to_text(self) -> str:
        """As it is stored."""
        event = None if self.event is None else event_text(self.event)
        return json.dumps([self.times, self.armed_at, self.deadline, event], ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Progress:
        """What ``to_text`` wrote."""
        times, armed_at, deadline, event = json.loads(text)
        return cls(
            times=tuple(times),
            armed_at=armed_at,
            deadline=deadline,
            event=None if event is None else event_of("", event),
        )


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger fires: a run is to be made."""

    key: str
    """The same for the same firing: no second run comes of it."""
    event: Event | None
    """That fired it; of a Proactive one what it waited from, None: its beginning."""
    depth: int
    """How many runs in a row led to this one."""


IDLE = Progress()

MOST_DEPTH = 20
"""So many runs in a row may lead to one of a trigger: a chain that feeds itself ends here."""

Outcome = tuple[Progress, Firing | None]


def beginning(trigger: TriggerDefinition, since_ms: int) -> Progress:
    """Where a bucket stands of which nothing is stored."""
    if trigger.waits_from_the_start:
        return Progress(deadline=since_ms + trigger.within_ms)
    return IDLE


def on_event(trigger: TriggerDefinition, before: Progress, event: Event) -> Outcome:
    """What becomes of a bucket at an event that the trigger covers and that is of that bucket."""
    is_expected = trigger.expects(event.event)
    is_first = trigger.follows(event.event)
    if trigger.is_proactive:
        return _waiting(trigger, before, event, is_expected, is_first)
    return _counting(trigger, before, event, is_expected, is_first)


def on_time(before: Progress, now_ms: int, bucket: Bucket) -> Outcome:
    """What becomes of a bucket when no event up to ``now_ms`` is still to come."""
    if before.deadline is None or now_ms <= before.deadline:
        return before, None
    # Two buckets may have waited until the same instant.
    key = " ".join(("silence", str(before.deadline), *bucket))
    return IDLE, Firing(key, before.event, 1)


def is_over(trigger: TriggerDefinition, progress: Progress, now_ms: int) -> bool:
    """Whether what it counted is too old to count any more: it may be forgotten."""
    if trigger.is_proactive or not trigger.within:
        return False
    latest = progress.armed_at or max(progress.times, default=0)
    return now_ms - latest > trigger.within_ms


def _counting(
    trigger: TriggerDefinition, before: Progress, event: Event, is_expected: bool, is_first: bool
) -> Outcome:
    at, fired, now = event.received, None, before
    if is_expected and _counts(trigger, before, at):
        times = (*before.times, at)
        if trigger.within and not trigger.after:
            times = tuple(each for each in times if at - each <= trigger.within_ms)
        now = replace(before, times=times)
        if len(times) >= trigger.threshold:
            now, fired = IDLE, Firing(event.id, event, event.depth + 1)
    if is_first:
        now = Progress(armed_at=at)
    return now, fired


def _counts(trigger: TriggerDefinition, before: Progress, at: int) -> bool:
    if not trigger.after:
        return True
    if before.armed_at is None:
        return False
    return not trigger.within or at - before.armed_at <= trigger.within_ms


def _waiting(
    trigger: TriggerDefinition, before: Progress, event: Event, is_expected: bool, is_first: bool
) -> Outcome:
    # An event that comes too late ends nothing: the deadline had passed before it.
    now, fired = on_time(before, event.received, trigger.bucket(event) or ())
    if is_expected and now.deadline is not None:
        now = replace(now, times=(*now.times, event.received))
        if len(now.times) >= trigger.threshold:
            now = IDLE
    begins = is_first if trigger.after else is_expected
    if begins and now.deadline is None:
        now = Progress(deadline=event.received + trigger.within_ms, event=event)
    return now, fired


def rehearse(
    trigger: TriggerDefinition, events: Iterable[Event], now_ms: int
) -> list[tuple[Bucket, Firing]]:
    """What the trigger would have made of these events, in their order, up to ``now_ms``."""
    found: list[tuple[Bucket, Firing]] = []
    buckets: dict[Bucket, Progress] = {}
    for event in events:
        bucket = trigger.bucket(event) if trigger.covers(event) else None
        if bucket is None or event.depth > MOST_DEPTH:
            continue
        before = buckets.get(bucket) or beginning(trigger, event.received)
        buckets[bucket], firing = on_event(trigger, before, event)
        found += [(bucket, firing)] if firing else []
    for bucket, progress in buckets.items():
        _, firing = on_time(progress, now_ms, bucket)
        found += [(bucket, firing)] if firing else []
    return found


def stored(trigger: TriggerDefinition, progress: Progress) -> str:
    """What is kept of a bucket; "" when nothing must be."""
    if progress == IDLE and not trigger.waits_from_the_start:
        return ""
    return progress.to_text()


def context_of(event: Event | None, run: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the templates of a trigger may speak of, as far as there is any of it."""
    known = {"event": None if event is None else event.to_json(), "run": run}
    return {name: each for name, each in known.items() if each is not None}
