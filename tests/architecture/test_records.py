"""What HTTP says a record holds is what it holds: the OpenAPI models and ``to_json`` agree.

Where this fails, add the new field to the model in ``orchestrator/api/records.py``, and let
``orchestrator/client/reading.py`` read it, if ``Run``'s own fields by name are not enough.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.api.records import (
    DeploymentRecord,
    EventRecord,
    ExplanationRecord,
    LogRecord,
    Record,
    RehearsalRecord,
    RunnerRecord,
    RunRecord,
    ScheduleRecord,
    Step,
    TriggerRecord,
    VersionRecord,
)
from orchestrator.api.routes.logs import _shown
from orchestrator.client.reading import (
    deployment_of,
    event_of,
    explanation_of,
    log_line_of,
    rehearsal_of,
    run_of,
    runner_of,
    schedule_of,
    trigger_of,
    version_of,
)
from orchestrator.model import deployment, event, explanation, rehearsal, run, trigger, versions
from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.run import run_from_hash
from orchestrator.model.states import State
from orchestrator.store.logs import LogLine

D = DeploymentId("a" * 12)
RUN = run_from_hash(
    RunId(f"{D}-{'0' * 21}"),
    {
        "deployment": "a/b",
        "state": "Running",
        "created_at": "1",
        "scheduled_at": "2",
        "started_at": "3",
        "parameters": '{"x": 1}',
        "tags": '["t"]',
        "history": '[1,"Scheduled",0,"",""]\n[3,"Running",1,"r","why"]\n',
    },
)
SCHEDULE = deployment.ScheduleRecord(
    definition=deployment.ScheduleDefinition(
        slug="s",
        kind="interval",
        expression="60",
        timezone="UTC",
        details={"anchor": "2026-01-01T00:00:00.000+00:00"},
    ),
    origin="user",
    generation=3,
    cursor_ms=5,
    next_ms=7,
)
TRIGGER = trigger.TriggerRecord(
    definition=trigger.TriggerDefinition(
        name="t",
        expect=("x",),
        match={"a": ("b",)},
        match_related=({"c": ("d", "e")},),
        parameters={"x": "{{ event.id }}"},
    ),
    since_ms=4,
    fired=1,
    fired_ms=6,
    run="r",
    error=None,
)
CODE = deployment.ServedCode(
    source="https://example.org/flows.git",
    commit="c0ffee",
    content_hash="d1d2",
    trouble="away",
    misfit="day is gone",
)
DEPLOYMENT = deployment.Deployment(
    id=D,
    name="a/b",
    flow="a",
    entrypoint="a.py:a",
    source="https://example.org/flows.git",
    version="v",
    description=None,
    tags=("t",),
    parameters={"x": 1},
    parameter_schema={"type": "object", "properties": {}},
    enforce_parameter_schema=True,
    paused=True,
    paused_by="user",
    held=False,
    concurrency_limit=3,
    retention_days=1.5,
    options=deployment.FlowOptions(retries=2, retry_delay_seconds=(1.0, 2.0)),
    schedules=(SCHEDULE,),
    triggers=(TRIGGER,),
    runners=("r",),
    code={"r": CODE},
)
RUNNER = deployment.RunnerRecord(
    id="r",
    name="n",
    host="h",
    pid=1,
    limit=2,
    running=1,
    deployments=("a/b",),
    version="v",
    started_at=1,
    last_seen=2,
    draining=False,
    isolation={"a/b": "fork"},
    lacks="no memory left",
)
VERSION = versions.DeploymentVersion(
    number=2, at_ms=3, version="v", commit="c", content_hash="h", host="host", pid=1, runner="r",
    changes=("tags changed",),
)  # fmt: skip
EVENT = event.Event(
    id="e", event="x", resource={"id": "1"}, related=({"id": "2", "role": "r"},), occurred=1,
    received=2, position="2-0",
)  # fmt: skip
REHEARSAL = rehearsal.Rehearsal(event=EVENT, bucket=("1",), parameters=None, error="no")
LINE = LogLine(1.5, "INFO", "root", "text", 1)
EXPLANATION = explanation.Explanation(run=RUN, code="queued", sentence="It waits.", notes=("n",))


def explained() -> dict[str, Any]:
    return {**EXPLANATION.to_json(0), "run": RUN.to_json(0)}


RECORDS: list[tuple[type[Record], dict[str, Any]]] = [
    (RunRecord, RUN.to_json(0)),
    (Step, RUN.history[0].to_json()),
    (ScheduleRecord, SCHEDULE.to_json()),
    (DeploymentRecord, DEPLOYMENT.to_json()),
    (RunnerRecord, RUNNER.to_json()),
    (VersionRecord, VERSION.to_json()),
    (TriggerRecord, TRIGGER.to_json()),
    (EventRecord, EVENT.to_json()),
    (RehearsalRecord, REHEARSAL.to_json()),
    (LogRecord, _shown(LINE)),
    (ExplanationRecord, explained()),
]


@pytest.mark.parametrize(("model", "document"), RECORDS, ids=lambda it: getattr(it, "__name__", ""))
def test_records_hold_what_the_document_says(model: type[Record], document: dict[str, Any]) -> None:
    assert set(model.model_fields) == set(document)
    model.model_validate(document)


def test_records_come_back_as_they_were() -> None:
    assert run_of(RUN.to_json(0)) == RUN
    assert schedule_of(SCHEDULE.to_json()) == SCHEDULE
    assert deployment_of(DEPLOYMENT.to_json()) == DEPLOYMENT
    assert runner_of(RUNNER.to_json()) == RUNNER
    assert version_of(VERSION.to_json()) == VERSION
    assert trigger_of(TRIGGER.to_json()) == TRIGGER
    assert rehearsal_of(REHEARSAL.to_json()) == REHEARSAL
    assert event_of(EVENT.to_json()) == EVENT
    assert log_line_of(_shown(LINE)) == LINE
    assert explanation_of(explained()) == EXPLANATION


def test_what_is_late_comes_back_as_it_is_stored() -> None:
    waiting = run.Run(**{**{n: getattr(RUN, n) for n in RUN.__slots__}, "state": State.SCHEDULED})

    assert waiting.to_json(10**12)["state"] == "Late"
    assert run_of(waiting.to_json(10**12)).state is State.SCHEDULED


@pytest.mark.parametrize(
    ("word", "record"),
    [
        ("run", RunRecord),
        ("deployment", DeploymentRecord),
        ("schedule", ScheduleRecord),
        ("trigger", TriggerRecord),
        ("runner", RunnerRecord),
        ("event", EventRecord),
    ],
)
def test_the_reference_names_every_field(word: str, record: type[Record]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    (named,) = re.findall(rf"^{word}: `([^`]*)`", page, re.MULTILINE)

    assert named.split() == list(record.model_fields)
