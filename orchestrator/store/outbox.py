"""From the outboxes of deployments to the feed: each entry becomes one event there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.events import MOST_EVENTS
from orchestrator.store.requests import (
    Plan,
    Request,
    Word,
    as_word,
    command,
    for_deployment,
    script_call,
)
from orchestrator.store.texts import record_of

PAGE = 500
"""Entries copied in one step."""

Document = dict[str, Any]
"""An event as the feed holds it; see ``model.event``."""

_LONGEST = 1000
"""Characters of an error's message in an event: the whole of it is in the run's record."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where an outbox was copied: an entry's id, and its number since the beginning."""

    entry: str = ""
    number: int = 0

    @classmethod
    def of(cls, text: str | None) -> Mark:
        entry, _, number = (text or "").partition(" ")
        return cls(entry, int(number or 0))

    def __str__(self) -> str:
        return f"{self.entry} {self.number}" if self.entry else ""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A page of an outbox."""

    gone: bool
    """The deployment was deleted."""
    events: tuple[Document, ...]
    upto: Mark
    is_full: bool
    """There may be more."""


def copied_marks() -> Request[dict[str, str]]:
    """Of every deployment, up to where its outbox was copied."""
    return command(record_of, "HGETALL", keys.EVENTS_COPIED)


def copied_mark(d: DeploymentId) -> Request[Mark]:
    """The same of one."""
    return command(Mark.of, "HGET", keys.EVENTS_COPIED, d)


def pull_events(d: DeploymentId, copied: Mark) -> Request[Pulled]:
    """The next page of an outbox; what was copied leaves it."""
    return for_deployment(
        d, "pull_events", lambda reply: _pulled(d, copied, reply), upto=copied.entry, page=PAGE
    )


def append_events(d: DeploymentId, copied: Mark, pulled: Pulled) -> Request[Word]:
    """Add the page to the feed: ``ok``, or ``stale`` (another scheduler did)."""
    named = [
        text
        for each in pulled.events
        for text in (each["event"], json.dumps(each, ensure_ascii=False, separators=(",", ":")))
    ]
    return script_call(
        "append_events",
        as_word,
        events=keys.EVENTS,
        copied=keys.EVENTS_COPIED,
        id=d,
        seen=str(copied),
        cursor=str(pulled.upto),
        most=MOST_EVENTS,
        news=keys.EVENTS_NEWS,
        named=named,
    )


def drop_outbox(d: DeploymentId) -> Plan[None]:
    """Forget the empty outbox of a deployment that was deleted."""
    (word,) = yield [for_deployment(d, "drop_outbox", as_word)]
    if word == "ok":
        yield [command(int, "HDEL", keys.EVENTS_COPIED, d)]


def _pulled(d: DeploymentId, copied: Mark, reply: Sequence[Any]) -> Pulled:
    word, name, before, entries, records = reply
    runs = {each[0]: _Run(*each) for each in records}
    number = int(before)
    found = [(entry, record_of(fields)) for entry, fields in entries]
    full_name = name or next((run.deployment for run in runs.values() if run.deployment), "")
    full_name = full_name or next((f["name"] for _, f in found if "name" in f), "") or d
    events = list(_lost(d, full_name, number - copied.number, entries)) if number else []
    for entry, fields in found:
        number += 1
        events.append(_document(f"{d}-{entry}", full_name, entry, fields, runs))
    upto = Mark(entries[-1][0], number) if entries else copied
    return Pulled(word == "gone", tuple(events), upto, is_full=len(entries) == PAGE)


@dataclass(frozen=True, slots=True)
class _Run:
    """What of a run's record goes into its events."""

    id: str
    name: str | None
    tags: str | None
    created_by: str | None
    depth: str | None
    state: str | None
    error: str | None
    deployment: str | None
    event: str | None


def _document(
    event_id: str, name: str, entry: str, fields: dict[str, str], runs: Mapping[str, _Run]
) -> Document:
    event = fields.pop("event")
    fields.pop("name", None)
    at = int(entry.partition("-")[0])
    document = {
        "id": event_id,
        "event": event,
        "payload": fields,
        "occurred": at,
        "received": at,
        "depth": int(fields.pop("depth", 0)),
    }
    flow = name.partition("/")[0]
    resource = {"kind": event.partition(".")[0], "deployment": name, "flow": flow}
    related = [{"role": "deployment", "id": name}, {"role": "flow", "id": flow}]
    if "run" in fields:
        run = runs[fields.pop("run")]
        resource = {"id": run.id, "name": run.name or run.id[-8:], **resource}
        document |= {"payload": _run_payload(event, fields, run), "depth": int(run.depth or 0)}
        related += _related(run, fields)
    elif (kind := resource["kind"]) in fields and kind != "deployment":
        own = fields.pop(kind)
        resource = {"id": own if kind == "runner" else f"{name} {own}", "name": own, **resource}
    else:
        resource = {"id": name, "name": name, **resource}
    return document | {"resource": resource, "related": related}


def _run_payload(event: str, fields: Mapping[str, str], run: _Run) -> Document:
    state = event.removeprefix("run.")
    payload: Document = {
        "state": state,
        "attempt": int(fields["attempt"]),
        "runner": fields["runner"] or None,
        "reason": fields["reason"] or None,
    }
    if run.error and run.state == state:
        error = json.loads(run.error)
        payload["error"] = {
            "type": error.get("type"),
            "message": str(error.get("message", ""))[:_LONGEST],
        }
    return payload


def _related(run: _Run, fields: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for tag in json.loads(run.tags or "[]"):
        yield {"role": "tag", "id": tag}
    kind, _, creator = (run.created_by or "").partition(":")
    if creator:
        yield {"role": kind, "id": creator}
    if run.event:
        yield {"role": "event", "id": run.event}
    if fields["runner"]:
        yield {"role": "runner", "id": fields["runner"]}


def _lost(d: str, name: str, number: int, entries: Sequence[Any]) -> Iterator[Document]:
    """The one event for all those that left the outbox before anybody copied them."""
    if number <= 0 or not entries:
        return
    entry = entries[0][0]
    at = int(entry.partition("-")[0])
    yield {
        "id": f"{d}-before-{entry}",
        "event": "outbox.dropped",
        "payload": {"count": number},
        "occurred": at,
        "received": at,
        "depth": 0,
        "resource": {"id": name, "name": name, "kind": "outbox", "deployment": name},
        "related": [{"role": "deployment", "id": name}],
    }
