"""What can be done about triggers. Each is known by deployment and name; every plan may raise
DeploymentNotFound and TriggerNotFound."""

from __future__ import annotations

from typing import Any

from orchestrator.model.clock import Clock, SystemClock
from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import DeploymentNotFound, InvalidParameters, TriggerNotFound
from orchestrator.model.evaluation import Firing, context_of, rehearse
from orchestrator.model.event import Event
from orchestrator.model.ids import RunId
from orchestrator.model.rehearsal import Rehearsal
from orchestrator.model.run import Run
from orchestrator.model.secrets import masked, secret_places
from orchestrator.model.trigger import Bucket, TriggerRecord
from orchestrator.operations.acting import Acting
from orchestrator.store import events, runs, triggers
from orchestrator.store.requests import Plan
from orchestrator.store.submission import find_deployment, id_of
from orchestrator.store.validation import Door

LATEST = 1000
"""Events that a trigger is tried on."""


def listed(deployment: str) -> Plan[tuple[TriggerRecord, ...]]:
    """The triggers of a deployment, by name."""
    return (yield from find_deployment(deployment)).triggers


def read(deployment: str, name: str) -> Plan[TriggerRecord]:
    """One trigger."""
    return _one((yield from find_deployment(deployment)), name)


def enable(deployment: str, name: str, acting: Acting, *, enabled: bool) -> Plan[TriggerRecord]:
    """Let it fire, counting anew, or not. Serving again leaves it so."""
    d = id_of(deployment)
    (word,) = yield [triggers.enable_trigger(d, name, enabled, acting.by)]
    if word == "gone":
        raise DeploymentNotFound(deployment)
    return (yield from read(deployment, name))


def rehearsed(
    deployment: str, name: str, latest: int = LATEST, clock: Clock | None = None
) -> Plan[list[Rehearsal]]:
    """What the trigger would have done at the latest so many events. Nothing is changed."""
    now_ms = (clock or SystemClock()).now_ms()
    live = yield from find_deployment(deployment)
    record, door = _one(live, name), Door(live)
    past = yield from events.list_events(latest)
    found = []
    for bucket, firing in rehearse(record.definition, past[::-1], now_ms):
        run = yield from _run_of(firing.event, now_ms)
        found.append(_rehearsal(record, door, bucket, firing, run))
    return found


def _one(live: Deployment, name: str) -> TriggerRecord:
    for record in live.triggers:
        if record.definition.name == name:
            return record
    raise TriggerNotFound(live.name, name, [each.definition.name for each in live.triggers])


def _run_of(event: Event | None, now_ms: int) -> Plan[dict[str, Any] | None]:
    """The run that the event is about, while it has a record."""
    if event is None or event.resource.get("kind") != "run":
        return None
    (run,) = yield [runs.read_run(RunId(event.resource["id"]))]
    return run.to_json(now_ms) if isinstance(run, Run) else None


def _rehearsal(
    record: TriggerRecord, door: Door, bucket: Bucket, firing: Firing, run: dict[str, Any] | None
) -> Rehearsal:
    from orchestrator.model.templates import TemplateFailed, filled_in

    parameters, error, live = None, None, door.deployment
    try:
        filled = filled_in(record.definition.parameters, context_of(firing.event, run))
        door.text(filled)
        places = secret_places(live.parameter_schema)
        parameters = {**masked({**live.parameters, **filled}, places)}
    except (TemplateFailed, InvalidParameters) as failed:
        error = str(failed)
    return Rehearsal(event=firing.event, bucket=bucket, parameters=parameters, error=error)
