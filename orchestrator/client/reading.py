"""Records from the documents that HTTP sends: the inverse of their ``to_json``.

What stands in a document is what people may see: secrets come back masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.model.clock import to_ms
from orchestrator.model.deployment import (
    Deployment,
    FlowOptions,
    RunnerRecord,
    ScheduleDefinition,
    ScheduleRecord,
    ServedCode,
)
from orchestrator.model.event import Event
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.rehearsal import Rehearsal
from orchestrator.model.run import Run, Step
from orchestrator.model.states import LATE, State
from orchestrator.model.trigger import TriggerDefinition, TriggerRecord
from orchestrator.model.versions import DeploymentVersion
from orchestrator.store.logs import LogLine

Document = Mapping[str, Any]


def run_of(document: Document) -> Run:
    """A run."""
    fields = dict(document)
    for moment in ("created_at", "scheduled_at", "claimed_at", "started_at", "ended_at"):
        fields[moment] = moment_ms(fields[moment])
    known = {name: fields[name] for name in Run.__slots__ if name in fields}
    return Run(
        **{
            **known,
            "id": RunId(fields["id"]),
            "state": _state(fields["state"]),
            "tags": tuple(fields["tags"]),
            "history": tuple(map(_step, fields["history"])),
            "secrets": (),
        }
    )


def deployment_of(document: Document) -> Deployment:
    """A deployment."""
    known = {name: document[name] for name in Deployment.__slots__ if name in document}
    return Deployment(
        **{
            **known,
            "id": DeploymentId(document["id"]),
            "tags": tuple(document["tags"]),
            "options": FlowOptions.from_json(document["options"]),
            "schedules": tuple(map(schedule_of, document["schedules"])),
            "triggers": tuple(map(trigger_of, document["triggers"])),
            "runners": tuple(document["runners"]),
            "code": {each: ServedCode(**code) for each, code in document["code"].items()},
        }
    )


def version_of(document: Document) -> DeploymentVersion:
    """A version of a deployment."""
    fields: dict[str, Any] = {name: document.get(name) for name in DeploymentVersion.__slots__}
    return DeploymentVersion(
        **{**fields, "at_ms": moment_ms(document["at"]), "changes": tuple(document["changes"])}
    )


def schedule_of(document: Document) -> ScheduleRecord:
    """A schedule."""
    details = {
        name: document[shown] for name, shown in _DETAILS.items() if document.get(shown) is not None
    }
    definition = ScheduleDefinition(
        slug=document["slug"],
        kind=document["kind"],
        expression=document["expression"],
        timezone=document["timezone"],
        active=document["active"],
        parameters=document["parameters"],
        catchup=document["catchup"],
        overlap=document["overlap"],
        jitter_seconds=document["jitter"],
        details=details,
    )
    cursor_ms = moment_ms(document["cursor_at"])
    assert cursor_ms is not None
    return ScheduleRecord(
        definition=definition,
        origin=document["origin"],
        generation=document["generation"],
        cursor_ms=cursor_ms,
        next_ms=moment_ms(document["next_at"]),
        edited=document["edited"],
    )


def trigger_of(document: Document) -> TriggerRecord:
    """A trigger."""
    return TriggerRecord(
        definition=TriggerDefinition.from_json(document),
        since_ms=moment_ms(document["since"]) or 0,
        fired=document["fired"],
        fired_ms=moment_ms(document["last_fired_at"]),
        run=document["last_run"],
        error=document["last_error"],
    )


def rehearsal_of(document: Document) -> Rehearsal:
    """A firing that would have been."""
    event = document["event"]
    return Rehearsal(
        event=None if event is None else event_of(event),
        bucket=tuple(document["bucket"]),
        parameters=document["parameters"],
        error=document["error"],
    )


def runner_of(document: Document) -> RunnerRecord:
    """A runner."""
    known = {name: document[name] for name in RunnerRecord.__slots__ if name in document}
    times = {name: moment_ms(document[name]) for name in ("started_at", "last_seen")}
    code = {each: ServedCode(**code) for each, code in document["code"].items()}
    deployments = tuple(document["deployments"])
    return RunnerRecord(**{**known, **times, "deployments": deployments, "code": code})


def event_of(document: Document) -> Event:
    """An event."""
    known = {name: document[name] for name in Event.__slots__ if name in document}
    times = {name: moment_ms(document[name]) for name in ("occurred", "received")}
    return Event(**{**known, **times, "related": tuple(document["related"])})


def explanation_of(document: Document) -> Explanation:
    """Why a run is where it is."""
    return Explanation(
        run=run_of(document["run"]),
        code=document["code"],
        sentence=document["sentence"],
        notes=tuple(document["notes"]),
    )


def log_line_of(document: Document) -> LogLine:
    """A line of a log."""
    return LogLine(
        datetime.fromisoformat(document["at"]).timestamp(),
        document["level"],
        document["logger"],
        document["text"],
        document["attempt"],
    )


_DETAILS = {"start": "start_date", "end": "end_date", "anchor": "anchor_date", "day_or": "day_or"}


def _step(document: Document) -> Step:
    at_ms = moment_ms(document["at"])
    assert at_ms is not None
    return Step(
        at_ms=at_ms,
        state=State(document["state"]),
        attempt=document["attempt"],
        runner=document["runner"] or "",
        reason=document["reason"] or "",
    )


def _state(shown: str) -> State:
    return State.SCHEDULED if shown == LATE else State(shown)


def moment_ms(text: str | None) -> int | None:
    """Milliseconds since 1970 of a moment in a document."""
    return None if text is None else to_ms(datetime.fromisoformat(text))
