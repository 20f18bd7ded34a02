"""What a client can do about events: emit them, look at them, follow them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from orchestrator.client.feed import FollowedFeed, feed_after
from orchestrator.client.reading import event_of
from orchestrator.client.transport import MOST_AT_ONCE, Call, Transport
from orchestrator.model.clock import rfc3339, to_ms
from orchestrator.model.event import Event, Resource, emitted
from orchestrator.operations import events
from orchestrator.store.events import WantedEvents


class Noticing:
    """The part of ``Client`` that is about events."""

    _transport: Transport

    def emit_event(
        self,
        event: str,
        resource: Resource | str,
        payload: Mapping[str, Any] | None = None,
        related: Iterable[Resource] = (),
        occurred: datetime | None = None,
        id: str | None = None,  # noqa: A002 - the word of the record
    ) -> Event:
        """Add an event to the feed, as triggers, pages and `event stream` see it. The same ``id``
        again changes nothing, so that whoever got no answer may ask again.

        Raises:
            InvalidOption: something that cannot be used; nothing was changed.
        """
        return self.emit(emitted(event, resource, payload, related, occurred, id))

    def emit(self, event: Event) -> Event:
        """``emit_event`` for an event that was checked."""
        call = Call(read=event_of, method="POST", path="/events", body=lambda: _body(event))
        return self._transport.do(events.emit(event), call)

    def events(
        self,
        limit: int = 50,
        event: str | Collection[str] = (),
        *,
        resource_id: str | None = None,
        since: datetime | None = None,
        before: str = "",
    ) -> list[Event]:
        """The newest events first: with any of these names (``*`` stands for anything), about this
        resource, received at an aware datetime or later. ``before``: the ``position`` of the last
        one of the page that came before."""
        wanted = _wanted(event, resource_id, since)
        found: list[Event] = []
        while len(found) < limit:
            step = min(limit - len(found), MOST_AT_ONCE)
            call = _listing(wanted, step, before)
            page = self._transport.do(events.listed(step, wanted, before), call)
            found += page
            if len(page) < step:
                break
            before = page[-1].position
        return found

    def event(self, event_id: str) -> Event:
        """One event, as long as the feed has it; EventNotFound when it has none of this id."""
        path = f"/events/{quote(event_id, safe='')}"
        call = Call(read=event_of, method="GET", path=path)
        return self._transport.do(events.read(event_id), call)

    def events_after(self, position: str, limit: int = 500) -> list[Event]:
        """The events that follow a ``position`` of the feed, the oldest first, at most 1,000; "" is
        its beginning. InvalidOption when it is no place of the feed."""
        limit = min(limit, MOST_AT_ONCE)
        return self._transport.do(events.after(position, limit), feed_after(position, limit))

    def stream_events(
        self,
        event: str | Collection[str] = (),
        *,
        resource_id: str | None = None,
        after: str | None = None,
    ) -> Iterator[Event]:
        """Events as they happen, from now on (or from after a ``position``), without end."""
        return FollowedFeed(self._transport, _wanted(event, resource_id, None), after).events()


def _wanted(
    event: str | Collection[str], resource_id: str | None, since: datetime | None
) -> WantedEvents:
    return WantedEvents(
        names=(event,) if isinstance(event, str) else event,
        resource_id=resource_id,
        since_ms=None if since is None else to_ms(since),
    )


def _listing(wanted: WantedEvents, limit: int, before: str) -> Call[list[Event]]:
    query = {
        "event": list(wanted.names),
        "resource_id": wanted.resource_id,
        "since": rfc3339(wanted.since_ms),
        "before": before,
        "limit": limit,
    }
    return Call(read=_items_of, method="GET", path="/events", query=query)


def _body(event: Event) -> dict[str, Any]:
    """What is emitted, as the API takes it."""
    return {
        "id": event.id,
        "event": event.event,
        "resource": dict(event.resource),
        "payload": event.payload,
        "related": [dict(each) for each in event.related],
        "occurred": rfc3339(event.occurred) if event.occurred else None,
    }


def _items_of(document: Any) -> list[Event]:
    return list(map(event_of, document["items"]))
