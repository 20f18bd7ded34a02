"""The feed: what has happened anywhere, in one capped stream. Emitting, listing, reading on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.model.event import Event, event_of, event_text
from orchestrator.model.matching import fits_any
from orchestrator.store import keys
from orchestrator.store.requests import Plan, Request, command, script_call

MOST_EVENTS = 100_000
"""The feed keeps about this many, the newest."""

PAGE = 500
"""Events read in one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEvents:
    """Which events are shown; the empty collection or None stands for any."""

    names: Collection[str] = ()
    """Any of these; ``*`` stands for anything."""
    resource_id: str | None = None
    """Of the resource, or of one that is related."""
    since_ms: int | None = None
    """Received at this instant or later."""

    def takes(self, event: Event) -> bool:
        """Whether the event is among those wanted."""
        if self.names and not fits_any(self.names, event.event):
            return False
        ids = (event.resource["id"], *(each.get("id") for each in event.related))
        return self.resource_id is None or self.resource_id in ids


def emit_event(event: Event) -> Request[Event]:
    """Add it to the feed, once per id; the event as it stands there."""

    def as_stored(reply: Sequence[str]) -> Event:
        received = int(reply[1].partition("-")[0])
        position = reply[1] if reply[0] == "ok" else ""
        occurred = event.occurred or received
        return replace(event, received=received, occurred=occurred, position=position)

    return script_call(
        "emit_event",
        as_stored,
        events=keys.EVENTS,
        event_ids=keys.EVENT_IDS,
        id=event.id,
        name=event.event,
        event=event_text(event),
        most=MOST_EVENTS,
        news=keys.EVENTS_NEWS,
    )


def events_after(position: str, limit: int = PAGE) -> Request[list[Event]]:
    """The events that follow a place of the feed, the oldest first; "" is its beginning."""
    start = f"({position}" if position else "-"
    return command(_events, "XRANGE", keys.EVENTS, start, "+", "COUNT", limit)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the feed that nobody has read yet: most are of no interest by their name."""

    position: str
    name: str
    text: str

    def read(self) -> Event:
        return event_of(self.position, self.text)


def entries_after(position: str, limit: int = PAGE) -> Request[list[Entry]]:
    """The same as ``events_after``, unread."""
    start = f"({position}" if position else "-"
    return command(
        lambda reply: [Entry(position, fields[1], fields[3]) for position, fields in reply],
        "XRANGE",
        keys.EVENTS,
        start,
        "+",
        "COUNT",
        limit,
    )


def events_before(position: str, limit: int = PAGE, oldest: str = "-") -> Request[list[Event]]:
    """The events before a place of the feed, the newest first; "" is its end."""
    end = f"({position}" if position else "+"
    return command(_events, "XREVRANGE", keys.EVENTS, end, oldest, "COUNT", limit)


def event_until(at_ms: int, event_id: str) -> Request[Event | None]:
    """The event of this id among the last ``PAGE`` that came before an instant: the one to which
    something has just answered."""

    def found(reply: Sequence[Any]) -> Event | None:
        # All of them hold ids of others, too: only what may be the one is read.
        near = (
            event_of(position, fields[3]) for position, fields in reply if event_id in fields[3]
        )
        return next((event for event in near if event.id == event_id), None)

    return command(found, "XREVRANGE", keys.EVENTS, at_ms, "-", "COUNT", PAGE)


def list_events(
    limit: int = 50, wanted: WantedEvents | None = None, before: str = ""
) -> Plan[list[Event]]:
    """The newest events first, of those before a place of the feed."""
    wanted = wanted or WantedEvents()
    oldest = "-" if wanted.since_ms is None else str(wanted.since_ms)
    found: list[Event] = []
    while len(found) < limit:
        (page,) = yield [events_before(before, PAGE, oldest)]
        found += [event for event in page if wanted.takes(event)]
        if len(page) < PAGE:
            break
        before = page[-1].position
    return found[:limit]


def find_event(event_id: str) -> Plan[Event | None]:
    """The event of this id, as long as the feed has it."""
    before: str | None = ""
    while before is not None:
        (page,) = yield [events_before(before)]
        for event in page:
            if event.id == event_id:
                assert isinstance(event, Event)
                return event
        before = page[-1].position if page else None
    return None


def last_position() -> Request[str]:
    """The place of the newest event; "" when there is none."""
    return command(
        lambda reply: str(reply[0][0]) if reply else "",
        "XREVRANGE",
        keys.EVENTS,
        "+",
        "-",
        "COUNT",
        1,
    )


def _events(reply: Sequence[Any]) -> list[Event]:
    return [event_of(position, fields[3]) for position, fields in reply]
