"""What is needed to explain why a run is where it is."""

from __future__ import annotations

from typing import Any

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.event import Event
from orchestrator.model.explanation import Explanation, explain
from orchestrator.model.facts import Facts, Heard
from orchestrator.model.ids import RunId
from orchestrator.store import keys
from orchestrator.store.attention import is_led
from orchestrator.store.deployments import read_deployment
from orchestrator.store.events import event_until
from orchestrator.store.requests import Plan, as_is, command, for_run
from orchestrator.store.runners import SHOWN_MS, read_runner
from orchestrator.store.runs import read_run
from orchestrator.store.standstill import find_stuck, waited_for
from orchestrator.store.texts import maybe_int


def explain_run(run_id: RunId) -> Plan[Explanation | None]:
    """Why the run is where it is; None when there is no such run.

    Raises:
        RunNotFound: this cannot be the id of any run.
    """
    seen, run, led = yield [for_run(run_id, "explain_run", as_is), read_run(run_id), is_led()]
    if run is None or seen[0] == "gone":
        return None
    deployment = yield from read_deployment(run.deployment_id)
    _, now_ms, claimed, delayed_until, ahead, registered, wait_ms = seen
    names = sorted({*registered, run.runner} - {None})
    heard = yield from _heard(names)
    (waits_for,) = yield [waited_for(run_id)]
    stuck = yield from find_stuck(run_id)
    event: Event | None = None
    if run.event is not None:
        (event,) = yield [event_until(run.created_at, run.event)]
    facts = Facts(
        run=run,
        now_ms=int(now_ms),
        deployment=deployment,
        heard=heard,
        claimed=int(claimed),
        delayed_until=maybe_int(delayed_until),
        ahead=maybe_int(ahead),
        is_led=led,
        waits_for=waits_for,
        stuck=stuck,
        event=event,
        wait_ms=int(wait_ms),
    )
    return explain(facts)


def _heard(names: list[str]) -> Plan[tuple[Heard, ...]]:
    records: list[RunnerRecord | None] = yield [read_runner(name) for name in names]
    lives: list[Any] = yield [command(int, "PTTL", keys.runner(name)) for name in names]
    return tuple(
        Heard(record, SHOWN_MS - life)
        for record, life in zip(records, lives, strict=True)
        if record is not None
    )
