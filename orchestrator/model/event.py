"""An event: something that happened to something, at a time. As emitted, as stored, as shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.model.clock import can_be_shown, rfc3339, to_ms
from orchestrator.model.documents import encoded
from orchestrator.model.errors import InvalidOption, InvalidParameters
from orchestrator.model.ids import LONGEST_NAME, RunId, new_nonce
from orchestrator.model.plain import as_json

Resource = Mapping[str, str]
"""What an event is about: ``id``, and whatever labels help to find it."""

RESERVED = ("run.", "deployment.", "schedule.", "runner.", "trigger.", "outbox.")
"""Beginnings of the names of our own events: nobody else may emit them."""

LARGEST_BYTES = 16 * 1024
"""Of one event as JSON: all that happens lies in one feed. Data belongs elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. Times are milliseconds since 1970, UTC."""

    id: str
    """The same event never comes twice."""
    event: str
    """Its name, like ``run.Completed``."""
    resource: Resource
    payload: dict[str, Any] = field(default_factory=dict)
    related: tuple[Resource, ...] = ()
    """What else it is about; each with ``id`` and ``role``."""
    occurred: int
    received: int
    """When the server noted it: order and windows of triggers go by this."""
    depth: int = 0
    """How many runs in a row led to it, each asking for the next or triggering it."""
    position: str = ""
    """Its place in the feed."""

    def to_json(self) -> dict[str, Any]:
        """The record as the terminal, HTTP and pages show it."""
        return {
            "id": self.id,
            "event": self.event,
            "resource": dict(self.resource),
            "payload": self.payload,
            "related": [dict(each) for each in self.related],
            "occurred": rfc3339(self.occurred),
            "received": rfc3339(self.received),
            "depth": self.depth,
            "position": self.position,
        }


def event_text(event: Event) -> str:
    """The event as the feed holds it."""
    document = {
        "id": event.id,
        "event": event.event,
        "resource": dict(event.resource),
        "payload": event.payload,
        "related": [dict(each) for each in event.related],
        "occurred": event.occurred,
        "received": event.received,
        "depth": event.depth,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def event_of(position: str, text: str) -> Event:
    """The event at a place of the feed; what a newer version wrote besides is passed over."""
    document = json.loads(text)
    received: int = document["received"]
    if not received and position:
        received = int(position.partition("-")[0])
    return Event(
        id=document["id"],
        event=document["event"],
        resource=document["resource"],
        payload=document["payload"],
        related=tuple(document["related"]),
        occurred=document["occurred"] or received,
        received=received,
        depth=document["depth"],
        position=position,
    )


def emitted(
    event: str,
    resource: Resource | str,
    payload: Mapping[str, Any] | None = None,
    related: Iterable[Resource] = (),
    occurred: datetime | None = None,
    id: str | None = None,  # noqa: A002 - the word of the record
    depth: int = 0,
) -> Event:
    """The event that somebody emits, checked. ``received`` is still to come.

    Raises:
        InvalidOption: something that cannot be used.
    """
    made = Event(
        id=new_nonce() if id is None else _text("id", id),
        event=_name(event),
        resource=_resource("resource", resource),
        payload=_payload(event, payload),
        related=_related(related),
        occurred=_moment(occurred),
        received=0,
        depth=depth,
    )
    if (size := len(event_text(made).encode())) > LARGEST_BYTES:
        why = f"makes {size:,} bytes of JSON; {LARGEST_BYTES:,} are allowed: hand over a reference"
        raise InvalidOption("payload", event, why)
    return made


def about_run(event: Event, run_id: RunId, deployment: str, depth: int) -> Event:
    """The event, emitted inside this run: as deep in a chain as that."""
    emitter = ({"role": "run", "id": run_id}, {"role": "deployment", "id": deployment})
    return replace(event, related=(*event.related, *emitter), depth=depth)


def _name(event: object) -> str:
    name = _text("event", event)
    for start in RESERVED:
        if name.startswith(start):
            raise InvalidOption("event", name, f"names that begin with {start!r} are our own")
    return name


def _text(option: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InvalidOption(option, value, "must be a text of printable characters")
    if len(value) > LONGEST_NAME:
        raise InvalidOption(option, value, f"is longer than {LONGEST_NAME} characters")
    return value


def _resource(option: str, given: object) -> Resource:
    if isinstance(given, str):
        given = {"id": given}
    if not isinstance(given, Mapping):
        raise InvalidOption(option, given, "must be an id, or map labels to texts")
    for label, value in given.items():
        if not isinstance(label, str) or not isinstance(value, str):
            raise InvalidOption(option, given, f"label {label!r} and its value must be texts")
    if not given.get("id"):
        raise InvalidOption(option, dict(given), "has no 'id'")
    return dict(given)


def _moment(occurred: object) -> int:
    """0 stands for when it is received."""
    if occurred is None:
        return 0
    if not isinstance(occurred, datetime) or occurred.utcoffset() is None:
        raise InvalidOption("occurred", occurred, "must be a datetime with a timezone")
    if not can_be_shown(occurred):
        raise InvalidOption("occurred", occurred, "has no year in UTC")
    return to_ms(occurred)


def _related(given: object) -> tuple[Resource, ...]:
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise InvalidOption("related", given, "must be a list of resources")
    return tuple(_resource("related", each) for each in given)


def _payload(event: str, given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidOption("payload", given, "must map names to values")
    payload: dict[str, Any] = as_json(given)
    try:
        encoded(event, payload)
    except InvalidParameters as error:
        faults = "; ".join(f"{each.where}: {each.what}" for each in error.faults)
        raise InvalidOption("payload", given, faults) from None
    return payload
