"""``emit_event``: say that something happened, from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from orchestrator.execution import context
from orchestrator.model.event import Event, Resource, emitted, event_of, event_text


def emit_event(
    event: str,
    resource: Resource | str,
    payload: Mapping[str, Any] | None = None,
    related: Iterable[Resource] = (),
    occurred: datetime | None = None,
    id: str | None = None,  # noqa: A002 - the word of the record
) -> Event:
    """Add an event to the feed: triggers may start runs for it, pages and `event stream` show it.

    Works the same inside a run, where its runner asks until the server answers; the run is then
    among what is related.

    Args:
        event: its name, like ``order.paid``; triggers expect it by this.
        resource: what it is about: an id, or labels with texts, ``id`` among them.
        payload: anything else, as JSON has it; triggers may take parameters from it.
        related: other things that it is about, each with ``id`` and ``role``.
        occurred: an aware datetime; default: now.
        id: the same id again changes nothing.

    Raises:
        InvalidOption: something that cannot be used; nothing was changed.
        ServerUnavailable: no server answers; not inside a run.
    """
    made = emitted(event, resource, payload, related, occurred, id)
    if context.in_run_process():
        answer = context.request("emit_event", event=event_text(made))
        return event_of(answer["position"], answer["event"])
    from orchestrator.client.client import Client

    with Client() as client:
        return client.emit(made)
