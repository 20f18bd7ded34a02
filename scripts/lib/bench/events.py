"""Events through triggers: 10,000 of them, a minute's worth, each watched by a thousand triggers
and wanted by one; at once, and at the pace of a minute."""

from __future__ import annotations

import statistics
import time

from bench.figures import Figure, quantile
from bench.machine import cpu_seconds
from bench.place import Place, fresh_place
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.event import Event, emitted
from orchestrator.model.ids import RunId, deployment_id
from orchestrator.store import keys
from orchestrator.store.attention import lower_attention
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.events import emit_event
from orchestrator.store.requests import command
from orchestrator.triggers import EventTrigger, with_names

TRIGGERS = 1_000
EVENTS = 10_000
A_MINUTES_PACE = EVENTS / 60
PACED_SECONDS = 10
PAGE = 500


def measure() -> list[Figure]:
    """How many a second at once, what they cost, and how late a run is at a minute's pace."""
    with fresh_place() as place:
        store = open_store(place.url)
        try:
            names = _deploy(store)
            return [*_at_once(place, store, names), *_at_pace(store, names)]
        finally:
            store.close()


def _deploy(store: Store) -> list[str]:
    """As many deployments, each with a trigger for one thing of all."""
    definitions = [
        DeploymentDefinition(
            flow="watch",
            name=f"thing-{number}",
            entrypoint="f:f",
            triggers=with_names(
                [
                    EventTrigger(
                        expect="thing.changed",
                        match={"id": f"thing {number}"},
                        parameters={"at": "{{ event.payload.at }}"},
                    )
                ]
            ),
        )
        for number in range(TRIGGERS)
    ]
    for each in definitions:
        lower = lower_attention(each.id, 0)
        store.call_all([lower, put_deployment(each), announce_deployment(each.id)])
    return [each.full_name for each in definitions]


def _at_once(place: Place, store: Store, names: list[str]) -> list[Figure]:
    scheduler = place.scheduler_pid()
    before = cpu_seconds(scheduler), cpu_seconds(place.server_pid())
    began = time.perf_counter()
    for first in range(0, EVENTS, PAGE):
        store.call_all([emit_event(_event(number)) for number in range(first, first + PAGE)])
    sent = time.perf_counter() - began
    _until_made(store, names, EVENTS)
    took = time.perf_counter() - began
    spent = cpu_seconds(scheduler) - before[0], cpu_seconds(place.server_pid()) - before[1]
    minute = EVENTS / 60
    return [
        Figure("events emitted, in bulk", EVENTS / sent, "per s"),
        Figure(
            f"events through {TRIGGERS:,} triggers, a run each",
            EVENTS / took,
            "per s",
            minute,
            f"{EVENTS:,} a minute",
        ),
        Figure("CPU of the scheduler per event", spent[0] / EVENTS * 1e3, "ms"),
        Figure("CPU of the server per event", spent[1] / EVENTS * 1e3, "ms"),
    ]


def _at_pace(store: Store, names: list[str]) -> list[Figure]:
    """From the emitting of an event until its run is in the queue, by the server's clock."""
    count = round(A_MINUTES_PACE * PACED_SECONDS)
    before = _runs(store, names)
    sent: dict[str, int] = {}
    began = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, began + number / A_MINUTES_PACE - time.perf_counter()))
        event = store.call(emit_event(_event(number)))
        sent[event.id] = event.received
    _until_made(store, names, before + count)
    late = [at - sent[event] for event, at in _made(store, names) if event in sent]
    return [
        Figure("event to run, at 10,000 a minute, median", statistics.median(late), "ms"),
        Figure("event to run, at 10,000 a minute, p95", quantile(late, 0.95), "ms"),
    ]


def _event(number: int) -> Event:
    return emitted("thing.changed", f"thing {number % TRIGGERS}", {"at": number})


def _until_made(store: Store, names: list[str], count: int) -> None:
    """Asked rarely: each look is as many commands as there are deployments."""
    while _runs(store, names) < count:
        time.sleep(0.5)


def _runs(store: Store, names: list[str]) -> int:
    counts = store.call_all([command(int, "ZCARD", keys.runs(deployment_id(n))) for n in names])
    return sum(counts)


def _made(store: Store, names: list[str]) -> list[tuple[str, int]]:
    """The event and the time of creation of each run."""
    ids = store.call_all(
        [command(list, "ZRANGE", keys.runs(deployment_id(name)), 0, -1) for name in names]
    )
    flat = [RunId(run_id) for each in ids for run_id in each]
    found = store.call_all(
        [command(tuple, "HMGET", keys.run(run_id), "event", "created_at") for run_id in flat]
    )
    return [(str(event), int(at)) for event, at in found]
