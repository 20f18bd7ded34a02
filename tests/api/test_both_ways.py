"""What a client is told does not depend on its way: directly to the server, or through the API.

Each question is asked both ways about the same facts; answers and refusals are compared whole.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from orchestrator import Client, Interval
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.event import emitted
from orchestrator.model.ids import deployment_id
from orchestrator.model.states import State
from orchestrator.model.trigger import TriggerDefinition
from orchestrator.store.events import emit_event
from tests.api.serving import Served
from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.support import Server

ODD = [
    "",
    "0",
    "nope",
    "a/b",
    "a/b/c",
    ".",
    "..",
    "%2e%2e",
    "a b",
    "ä/ö",
    "\u0000",
    "a" * 300,
    "?x=1",
    "#",
]
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN = f"{deployment_id(HELLO)}-{'0' * 21}"

Ask = Callable[[Client, str], Any]
"""A question, and the run that it may be about."""

QUESTIONS: dict[str, Ask] = {
    "run": lambda c, run: c.run(run),
    "runs": lambda c, _: c.runs(
        state=[State.FAILED, "Late"], tags=["seeded"], text="run", since=WHEN
    ),
    "runs_page": lambda c, _: c.runs_page(2),
    "wait_for_run": lambda c, run: c.wait_for_run(run),
    "watch_run": lambda c, run: list(c.watch_run(run)),
    "news_of_run": lambda c, run: list(c.news_of_run(run)),
    "explain_run": lambda c, run: c.explain_run(run),
    "logs": lambda c, run: c.logs(run),
    "follow_logs": lambda c, run: list(c.follow_logs(run)),
    "deployments": lambda c, _: c.deployments(),
    "deployment": lambda c, _: c.deployment(HELLO),
    "deployment_versions": lambda c, _: c.deployment_versions(HELLO),
    "schedules": lambda c, _: c.schedules(HELLO),
    "schedule": lambda c, _: c.schedule(HELLO, "hourly"),
    "triggers": lambda c, _: c.triggers(HELLO),
    "trigger": lambda c, _: c.trigger(HELLO, "paid"),
    "test_trigger": lambda c, _: c.test_trigger(HELLO, "paid"),
    "runners": lambda c, _: c.runners(),
    "scheduler_is_alive": lambda c, _: c.scheduler_is_alive(),
    "audit_keys": lambda c, _: c.audit_keys(),
    "events": lambda c, _: c.events(3, "order.*"),
    "event": lambda c, _: c.event("first"),
    "events_after": lambda c, _: c.events_after("", 1),
    "stream_events": lambda c, _: list(islice(c.stream_events("order.*", after=""), 2)),
}

REFUSED: dict[str, Ask] = {
    "run": lambda c, odd: c.run(odd),
    "cancel_run": lambda c, odd: c.cancel_run(odd),
    "pause_run": lambda c, odd: c.pause_run(odd),
    "resume_run": lambda c, odd: c.resume_run(odd),
    "retry_run": lambda c, odd: c.retry_run(odd),
    "delete_run": lambda c, odd: c.delete_run(odd),
    "explain_run": lambda c, odd: c.explain_run(odd),
    "logs": lambda c, odd: c.logs(odd),
    "wait_for_run": lambda c, odd: c.wait_for_run(odd),
    "watch_run": lambda c, odd: list(c.watch_run(odd)),
    "runs of a deployment": lambda c, odd: c.runs(deployment=odd),
    "runs in a state": lambda c, odd: c.runs(state=odd),
    "runs with a tag": lambda c, odd: c.runs(tags=[odd]),
    "runs with a text": lambda c, odd: c.runs(text=odd),
    "runs of a parent": lambda c, odd: c.runs(parent=odd),
    "runs_page": lambda c, odd: c.runs_page(before=odd),
    "create_run": lambda c, odd: c.create_run(odd),
    "create_run with a tag": lambda c, odd: c.create_run(HELLO, tags=[odd]),
    "create_run with a name": lambda c, odd: c.create_run(HELLO, name=odd),
    "create_run with a key": lambda c, odd: c.create_run(HELLO, idempotency_key=odd),
    "create_run with a parameter": lambda c, odd: c.create_run(HELLO, {odd: 1}),
    "create_runs": lambda c, odd: c.create_runs([(HELLO, None), (odd, None)]),
    "deployment": lambda c, odd: c.deployment(odd),
    "deployment_versions": lambda c, odd: c.deployment_versions(odd),
    "pause_deployment": lambda c, odd: c.pause_deployment(odd),
    "resume_deployment": lambda c, odd: c.resume_deployment(odd),
    "hold_deployment": lambda c, odd: c.hold_deployment(odd),
    "release_deployment": lambda c, odd: c.release_deployment(odd),
    "delete_deployment": lambda c, odd: c.delete_deployment(odd),
    "schedules": lambda c, odd: c.schedules(odd),
    "schedule": lambda c, odd: c.schedule(HELLO, odd),
    "create_schedule": lambda c, odd: c.create_schedule(odd, Interval(60)),
    "replace_schedule": lambda c, odd: c.replace_schedule(HELLO, odd, Interval(60)),
    "pause_schedule": lambda c, odd: c.pause_schedule(HELLO, odd),
    "resume_schedule": lambda c, odd: c.resume_schedule(HELLO, odd),
    "delete_schedule": lambda c, odd: c.delete_schedule(HELLO, odd),
    "triggers": lambda c, odd: c.triggers(odd),
    "trigger": lambda c, odd: c.trigger(HELLO, odd),
    "enable_trigger": lambda c, odd: c.enable_trigger(HELLO, odd),
    "disable_trigger": lambda c, odd: c.disable_trigger(HELLO, odd),
    "test_trigger": lambda c, odd: c.test_trigger(HELLO, odd),
    "drain_runner": lambda c, odd: c.drain_runner(odd),
    "drain_host": lambda c, odd: c.drain_host(odd),
    "event": lambda c, odd: c.event(odd),
    "events": lambda c, odd: c.events(before=odd),
    "events about a resource": lambda c, odd: c.events(resource_id=odd),
    "events_after": lambda c, odd: c.events_after(odd),
    "emit_event": lambda c, odd: c.emit_event(odd, "1"),
    "emit_event about": lambda c, odd: c.emit_event("order.paid", odd),
}

ACTS = {
    *("ask", "cancel_run", "close", "create_run", "create_runs", "create_schedule"),
    *("delete_deployment", "delete_run", "delete_schedule", "disable_trigger", "drain_host"),
    *("drain_runner", "emit", "emit_event", "enable_trigger", "hold_deployment"),
    *("pause_deployment", "pause_run", "pause_schedule", "release_deployment", "repair_keys"),
    *("replace_schedule", "resume_deployment", "resume_run", "resume_schedule", "retry_run"),
}
"""What changes something is done both ways by other tests, each on facts of its own."""

OF_THE_MOMENT = {"server_facts", "server_findings"}
"""They hold counters and clocks."""


@pytest.fixture
def ended(seeds: Seeds) -> str:
    """A run that is over, beside everything else that there can be."""
    paid = TriggerDefinition(name="paid", expect=("order.paid",))
    seeds.deployment(schedules=(EVERY_HOUR,), triggers=(paid,), tags=("demo",))
    seeds.runner()
    seeds.waiting(times=3)
    claimed = seeds.running()
    seeds.log(claimed, "one", "two ü")
    for event in ("first", "second"):
        seeds.store.call(emit_event(emitted("order.paid", "7", {"sum": 3}, id=event)))
    return seeds.finish(claimed, State.FAILED, error='{"type": "ValueError", "message": "no"}')


@pytest.fixture
def both(server: Server, api: Served) -> Iterator[tuple[Client, Client]]:
    with Client(server.url) as direct, Client(api.url) as through:
        yield direct, through


def outcome(ask: Ask, client: Client, about: str) -> Any:
    try:
        return ask(client, about)
    except OrchestratorError as refusal:
        return type(refusal), str(refusal), getattr(refusal, "__notes__", [])


def test_every_question_is_asked() -> None:
    every = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_"}

    assert QUESTIONS.keys() | ACTS | OF_THE_MOMENT == every


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_the_same(both: tuple[Client, Client], ended: str, question: str) -> None:
    first, second = (outcome(QUESTIONS[question], client, ended) for client in both)

    assert first == second


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("question", REFUSED)
def test_refusals_are_the_same(both: tuple[Client, Client], question: str) -> None:
    for odd in ODD:
        first, second = (
            found if isinstance(found, tuple) and found and isinstance(found[0], type) else "taken"
            for found in (outcome(REFUSED[question], client, odd) for client in both)
        )
        assert first == second, odd
