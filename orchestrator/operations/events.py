"""What can be done about events."""

from __future__ import annotations

from orchestrator.model.errors import EventNotFound
from orchestrator.model.event import Event
from orchestrator.store import events
from orchestrator.store.events import list_events
from orchestrator.store.requests import Plan

listed = list_events


def emit(event: Event) -> Plan[Event]:
    """Add an event to the feed, once per id; the event as it stands there."""
    (stored,) = yield [events.emit_event(event)]
    assert isinstance(stored, Event)
    return stored


def read(event_id: str) -> Plan[Event]:
    """One event, as long as the feed has it; EventNotFound when it has none of this id."""
    found = yield from events.find_event(event_id)
    if found is None:
        raise EventNotFound(event_id)
    return found


def after(position: str, limit: int = events.PAGE) -> Plan[list[Event]]:
    """The events that follow a place of the feed, the oldest first; "" is its beginning."""
    (found,) = yield [events.events_after(position, limit)]
    return list(found)


def end() -> Plan[str]:
    """The place of the newest event; "" when there is none."""
    (position,) = yield [events.last_position()]
    return str(position)
