"""What a client can do about events: emit them, look at them, follow them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.feed import FollowedFeed
from orchestrator.model.clock import to_ms
from orchestrator.model.errors import EventNotFound
from orchestrator.model.event import Event, Resource, emitted
from orchestrator.store import events
from orchestrator.store.caller import Store


class Noticing:
    """The part of ``Client`` that is about events."""

    _store: Store

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
        return self._store.call(events.emit_event(event))

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
        return self._store.follow(events.list_events(limit, wanted, before))

    def event(self, event_id: str) -> Event:
        """One event, as long as the feed has it; EventNotFound when it has none of this id."""
        found = self._store.follow(events.find_event(event_id))
        if found is None:
            raise EventNotFound(event_id)
        return found

    def events_after(self, position: str, limit: int = 500) -> list[Event]:
        """The events that follow a ``position`` of the feed, the oldest first; "" is its
        beginning."""
        return self._store.call(events.events_after(position, limit))

    def stream_events(
        self,
        event: str | Collection[str] = (),
        *,
        resource_id: str | None = None,
        after: str | None = None,
    ) -> Iterator[Event]:
        """Events as they happen, from now on (or from after a ``position``), without end."""
        return FollowedFeed(self._store, _wanted(event, resource_id, None), after).events()


def _wanted(
    event: str | Collection[str], resource_id: str | None, since: datetime | None
) -> events.WantedEvents:
    return events.WantedEvents(
        names=(event,) if isinstance(event, str) else event,
        resource_id=resource_id,
        since_ms=None if since is None else to_ms(since),
    )
