"""Explanations: every situation has its word and its sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.deployment import Deployment, FlowOptions, RunnerRecord
from orchestrator.model.event import Event
from orchestrator.model.explanation import explain
from orchestrator.model.facts import Facts, Heard
from orchestrator.model.ids import RunId, deployment_id, idempotent_run_id
from orchestrator.model.run import Run, run_from_hash
from orchestrator.model.states import State
from orchestrator.model.trigger import TriggerDefinition, TriggerRecord

NOW = 1_800_000_000_000
NAME = "hello/main"
D = deployment_id(NAME)
ID = idempotent_run_id(D, "run")


def run(state: State = State.SCHEDULED, /, **fields: Any) -> Run:
    reason = fields.get("reason", "")
    line = json.dumps([NOW - 5000, state, 1, "runner-a", reason])
    made = run_from_hash(
        ID,
        {
            "state": state,
            "deployment": NAME,
            "created_at": str(NOW - 9000),
            "scheduled_at": str(NOW - 9000),
            "history": line + "\n",
        },
    )
    placed: dict[str, Any] = {"runner": "runner-a", "host": "box", "pid": 7}
    return replace(made, **(placed | fields))


def runner(name: str = "runner-a", silent_ms: int = 0, /, **changes: Any) -> Heard:
    record = RunnerRecord(
        id=name, name="hello.py", host="box", pid=1, limit=4, running=0, deployments=(NAME,),
        version="1", started_at=1, last_seen=1, draining=False, isolation={NAME: "fork"},
    )  # fmt: skip
    return Heard(replace(record, **changes), silent_ms)


def deployment(**changes: Any) -> Deployment:
    plain = Deployment(
        id=D, name=NAME, flow="hello", entrypoint="hello.py:hello", source=None, version=None,
        description=None, tags=(), parameters={}, parameter_schema={},
        enforce_parameter_schema=True, paused=False, paused_by=None, held=False,
        concurrency_limit=None, options=FlowOptions(retries=2), schedules=(), triggers=(),
        runners=("runner-a", "runner-b"),
    )  # fmt: skip
    return replace(plain, **changes)


def facts(of: Run, **changes: Any) -> Facts:
    plain = Facts(
        run=of, now_ms=NOW, deployment=deployment(), heard=(runner(),), claimed=0,
        delayed_until=None, ahead=None, is_led=True,
    )  # fmt: skip
    return replace(plain, **changes)


DELAYED = {"delayed_until": NOW + 12_000}
OVERDUE = {"delayed_until": NOW - 3000}
ERROR = {"type": "ValueError", "message": "no such file"}


@pytest.mark.parametrize(
    ("state", "fields", "changes", "code", "says"),
    [
        (State.COMPLETED, {"ended_at": NOW - 60_000}, {}, "final", "completed 1m ago"),
        (State.FAILED, {"ended_at": NOW, "error": ERROR}, {}, "final", "ValueError: no such file"),
        (State.SKIPPED, {"ended_at": NOW, "reason": "paused"}, {}, "final", "Skipped now: paused"),
        (State.CANCELLING, {"reason": "cancelled by Ada"}, {}, "cancelling", "5s (cancelled by A"),
        (State.PAUSED, {"reason": "paused by Ada"}, {}, "paused", "for 5s (paused by Ada)"),
        (State.SCHEDULED, {"paused_by": "Ada"}, {"heard": ()}, "paused", "Ada has paused it"),
        (State.AWAITING_RETRY, {"paused_by": "Ada"}, DELAYED, "paused", "Ada has paused it"),
        (State.PENDING, {}, {}, "pending", "5s ago by runner runner-a on box"),
        (State.RUNNING, {}, {}, "running", "for 5s, on runner runner-a on box (pid 7)"),
        (State.SCHEDULED, {}, {"deployment": None}, "deployment_deleted", "will never run"),
        (State.SCHEDULED, {}, DELAYED, "scheduled", "in 12s"),
        (State.SCHEDULED, {"reason": "overlap: waits for the end of run x"}, DELAYED, "overlap",
         "must not overlap: it waits for the end of run x; next look in 12s"),
        (State.AWAITING_RETRY, {"attempt": 1, "reason": "it broke"}, DELAYED, "awaiting_retry",
         "Attempt 2 of at most 3, after one that failed (it broke), comes in 12s"),
        (State.SCHEDULED, {}, OVERDUE, "due", "about to queue"),
        (State.SCHEDULED, {}, {**OVERDUE, "is_led": False}, "no_scheduler", "due 3s ago, and no"),
        (State.AWAITING_CONCURRENCY_SLOT, {}, {}, "awaiting_slot", "the same limit"),
        (State.SCHEDULED, {}, {"deployment": deployment(held=True)}, "held", "until it is rel"),
        (State.SCHEDULED, {}, {"heard": ()}, "unserved", "No runner serves hello/main"),
        (State.SCHEDULED, {}, {"wait_ms": 4_000}, "quarantined", "what they execute, in 4s"),
        (State.SCHEDULED, {}, {"deployment": deployment(runners=())}, "unserved", "start one"),
        (State.SCHEDULED, {}, {"heard": (runner("runner-a", 90_000), runner("runner-b", 150_000))},
         "runners_silent", "the last was runner-a on box, 1m 30s ago"),
        (State.SCHEDULED, {}, {"heard": (runner(draining=True), runner("runner-b", 90_000))},
         "runners_draining", "is leaving"),
        (State.SCHEDULED, {}, {"deployment": deployment(concurrency_limit=2), "claimed": 2},
         "at_limit", "2 of at most 2"),
        (State.SCHEDULED, {}, {"heard": (runner(running=4),)}, "runners_busy", "4 of 4 are in use"),
        (State.SCHEDULED, {}, {"heard": (runner(running=4), runner("runner-b", running=4))},
         "runners_busy", "All 2 runners have no free slot: 8 of 8"),
        (State.SCHEDULED, {}, {"heard": (runner(running=4), runner("runner-b"))}, "queued", ""),
        (State.SCHEDULED, {}, {"heard": (runner(lacks="no memory left"),)}, "hosts_lacking",
         "Runner runner-a on box: no memory left."),
        (State.SCHEDULED, {}, {"heard": (runner(lacks="no memory left"), runner("runner-b"))},
         "queued", "about to claim it"),
    ],
)  # fmt: skip
def test_every_situation(
    state: State, fields: dict[str, Any], changes: dict[str, Any], code: str, says: str
) -> None:
    explanation = explain(facts(run(state, **fields), **changes))

    assert explanation.code == code
    assert says in explanation.sentence
    assert explanation.sentence.endswith(".")


AGAIN = RunId(ID[:-1] + "0")


@pytest.mark.parametrize(
    ("state", "fields", "changes", "says"),
    [
        (State.FAILED, {"ended_at": NOW, "retried_as": AGAIN}, {}, f"again as run {AGAIN}"),
        (State.SCHEDULED, {}, {"ahead": 3}, "3 runs of hello/main will be started before it"),
        (State.SCHEDULED, {}, {**DELAYED, "is_led": False}, "orchestrator scheduler start"),
        (State.SCHEDULED, {}, {**DELAYED, "heard": ()}, "No runner serves hello/main now"),
        (State.SCHEDULED, {}, {"heard": ()}, "The last runner that had it was runner-a"),
        (State.SCHEDULED, {}, {"deployment": deployment(paused=True, paused_by="shutdown",
         runners=("runner-a",))}, "paused by shutdown: that stops its schedules, not this run"),
        (State.AWAITING_RETRY, {"attempt": 1}, {"ahead": 0}, "Attempt 2 of at most 3"),
        (State.SCHEDULED, {}, {"heard": (runner(isolation={NAME: "spawn: numpy"}),)},
         "starts a fresh interpreter for each run: numpy"),
        (State.RUNNING, {}, {"heard": (runner("runner-a", 90_000),)}, "last heard of 1m 30s ago"),
        (State.PAUSED, {}, {}, f"orchestrator run resume {ID}"),
        (State.PENDING, {"paused_by": "Ada"}, {}, f"orchestrator run resume {ID}"),
        (State.AWAITING_RETRY, {"paused_by": "Ada"}, {}, f"orchestrator run resume {ID}"),
    ],
)  # fmt: skip
def test_what_else_there_is_to_know(
    state: State, fields: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    notes = explain(facts(run(state, **fields), **changes)).notes

    assert any(says in note for note in notes), notes


def test_when_all_is_well_nothing_else_is_said() -> None:
    assert explain(facts(run(), ahead=0)).notes == ()
    assert explain(facts(run(State.RUNNING))).notes == ()


def test_for_programs() -> None:
    document = explain(facts(run(), ahead=1)).to_json(NOW)

    assert (document["id"], document["state"], document["code"]) == (ID, "Scheduled", "queued")
    assert isinstance(document["notes"], list)


RAIN = TriggerDefinition(name="rain", expect=("rain",))
DRY = TriggerDefinition(name="rain", after=("sun",), posture="Proactive", within=60.0)
FELL = Event(
    id="e1", event="rain", resource={"id": "town-7", "name": "Ulm"}, occurred=NOW, received=NOW
)


def standing(definition: TriggerDefinition) -> TriggerRecord:
    return TriggerRecord(
        definition=definition, since_ms=1, fired=1, fired_ms=NOW, run=ID, error=None
    )


@pytest.mark.parametrize(
    ("fields", "changes", "says"),
    [
        ({"event": "e1"}, {"event": FELL}, "Trigger rain made it for rain of Ulm, event e1."),
        ({"event": "e1"}, {}, "Trigger rain made it for event e1."),
        ({"event": "e1"}, {"deployment": None}, "Trigger rain made it for event e1."),
        ({"event": "e1"}, {"deployment": deployment(triggers=(standing(RAIN),)), "event": FELL},
         "Trigger rain (rain) made it for rain of Ulm, event e1."),
        ({"event": "e1"}, {"deployment": deployment(triggers=(standing(DRY),))},
         "(no event within 60s after sun) made it; it had waited since event e1."),
        ({}, {"deployment": deployment(triggers=(standing(DRY),))}, "after sun) made it."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("state", [State.SCHEDULED, State.RUNNING, State.COMPLETED])
def test_what_a_trigger_made_tells_for_which_event(
    state: State, fields: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    made = run(state, created_by="trigger:rain", ended_at=NOW, **fields)
    first, *_ = explain(facts(made, **changes)).notes

    assert says in first


def test_what_people_and_schedules_made_has_no_trigger() -> None:
    for creator in ("user", "schedule:rain"):
        notes = explain(facts(run(created_by=creator))).notes
        assert not any("Trigger" in note for note in notes)
