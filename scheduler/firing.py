"""Firing: what a trigger's firing comes to: a run with its parameters filled in, or why none."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model.errors import InvalidParameters
from orchestrator.model.evaluation import MOST_DEPTH, Firing, context_of
from orchestrator.model.event import Event
from orchestrator.model.ids import RunId, idempotent_run_id
from orchestrator.model.run import Run
from orchestrator.model.templates import TemplateFailed, filled_in, speaks_of
from orchestrator.model.trigger import TriggerRecord
from orchestrator.store.requests import Plan
from orchestrator.store.runs import digest_of, read_run
from orchestrator.store.triggers import Failure, TriggeredRun
from orchestrator.store.validation import Door


def run_of(event: Event | None, record: TriggerRecord) -> Plan[Run | None]:
    """The run that the event is about, when the trigger's parameters speak of one."""
    if event is None or event.resource.get("kind") != "run":
        return None
    if not speaks_of(record.definition.parameters, "run"):
        return None
    (run,) = yield [read_run(RunId(event.resource["id"]))]
    assert run is None or isinstance(run, Run)
    return run


def outcome_of(
    record: TriggerRecord, firing: Firing, run: Run | None, door: Door, now_ms: int
) -> TriggeredRun | Failure | None:
    """The run to be made, or why there will be none; None when that was said before."""
    trigger, event = record.definition, firing.event
    word, error = "trigger.failed", ""
    if firing.depth > MOST_DEPTH:
        word = "trigger.stopped"
        error = f"{MOST_DEPTH} runs in a row led to this: the chain feeds itself"
    else:
        try:
            context = context_of(event, None if run is None else run.to_json(now_ms))
            parameters = door.text(filled_in(trigger.parameters, context))
        except (TemplateFailed, InvalidParameters) as failed:
            error = str(failed)
    cause = "" if event is None else event.id
    if error:
        return Failure(
            word=word, trigger=trigger.name, error=error, event=cause, depth=firing.depth
        )
    key = f"{trigger.name}:{firing.key}"
    return TriggeredRun(
        id=idempotent_run_id(door.deployment.id, key),
        trigger=trigger.name,
        parameters=parameters,
        key=key,
        digest=digest_of(parameters),
        after_ms=round(trigger.schedule_after * 1000),
        depth=firing.depth,
        event=cause,
    )


def split(
    outcomes: Sequence[TriggeredRun | Failure | None],
) -> tuple[tuple[TriggeredRun, ...], tuple[Failure, ...]]:
    """Runs and failures apart."""
    return (
        tuple(each for each in outcomes if isinstance(each, TriggeredRun)),
        tuple(each for each in outcomes if isinstance(each, Failure)),
    )
