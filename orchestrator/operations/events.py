"""What can be done about events."""

from __future__ import annotations

from orchestrator.model.errors import EventNotFound, InvalidOption
from orchestrator.model.event import Event
from orchestrator.store import events
from orchestrator.store.events import WantedEvents
from orchestrator.store.logs import is_position
from orchestrator.store.requests import Plan


def listed(
    limit: int = 50, wanted: WantedEvents | None = None, before: str = ""
) -> Plan[list[Event]]:
    """The newest events first, of those before a place of the feed.

    Raises:
        InvalidOption: ``before`` is no such place.
    """
    return (yield from events.list_events(limit, wanted, checked_place("before", before)))


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
    """The events that follow a place of the feed, the oldest first; "" and "0" are its
    beginning.

    Raises:
        InvalidOption: ``position`` is no such place.
    """
    place = "" if position == "0" else checked_place("after", position)
    (found,) = yield [events.events_after(place, limit)]
    return list(found)


def end() -> Plan[str]:
    """The place of the newest event; "" when there is none."""
    (position,) = yield [events.last_position()]
    return str(position)


def checked_place(option: str, text: str) -> str:
    """The text itself, which must be the place of an event, or empty.

    Raises:
        InvalidOption: it is neither.
    """
    if text and not is_position(text):
        raise InvalidOption(option, text, "is no place in the feed: take the position of an event")
    return text
