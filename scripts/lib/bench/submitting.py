"""Asking for runs while nobody serves: one at a time, in bulk, in bulk over HTTP.

Beside the rates stand what each costs: CPU, commands and bytes hardly depend on who else works on
the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from bench.costs import cost
from bench.figures import Figure
from bench.machine import rate, until
from bench.place import MARK, Place, fresh_place
from orchestrator import Client
from orchestrator.embedded import page_of
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.settings import load_settings
from orchestrator.store import keys
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.requests import as_is, command

SINGLY, IN_BULK = 2_000, 10_000
WAITING = 10_000
PATH = "/a/path/of/sixty/characters/as/parameters/of/runs/often/have/"
DEFINITION = DeploymentDefinition(
    flow="mark",
    name="bench",
    entrypoint="none.py:none",
    parameter_schema={
        "type": "object",
        "properties": {"path": {"type": "string"}, "times": {"type": "integer", "default": 1}},
        "required": ["path"],
    },
)


def measure() -> list[Figure]:
    """Rates beside round trips of the same client, and costs."""
    with fresh_place() as place, closing(open_store(place.url)) as store:
        store.call_all([put_deployment(DEFINITION), announce_deployment(DEFINITION.id)])
        ping = rate(lambda: store.call(command(as_is, "PING")), 0.5)
        with Client(page_of(load_settings())) as through_http:
            through_http.create_run(*_runs(1)[0])
            figures = [Figure("round trips (PING), one client", ping, "per s")]
            for way in _ways(place.client, through_http):
                _wait_until_copied(store)
                figures += _asked(place, way, ping)
        return [*figures, _memory(place, store)]


def _wait_until_copied(store: Store) -> None:
    """The scheduler has no events to copy of what was made before."""
    until(lambda: store.call(command(int, "XLEN", keys.outbox(DEFINITION.id))) == 0)


def _memory(place: Place, store: Store) -> Figure:
    """What is told of them is not counted: it is copied to the feed, which has a length."""
    _wait_until_copied(store)
    before = place.memory()
    place.client.create_runs(_runs(WAITING))
    _wait_until_copied(store)
    each = (place.memory() - before) / WAITING / 1024
    return Figure("memory per waiting run, parameters of 75 bytes", each, "KiB")


@dataclass(frozen=True)
class Way:
    """One way to ask for runs."""

    name: str
    ask: Callable[[], object]
    runs: int


def _ways(client: Client, through_http: Client) -> list[Way]:
    return [
        Way("submit, one at a time", lambda: _singly(client, SINGLY), SINGLY),
        Way("submit, in bulk", lambda: client.create_runs(_runs(IN_BULK)), IN_BULK),
        Way("submit, in bulk over HTTP", lambda: through_http.create_runs(_runs(IN_BULK)), IN_BULK),
    ]


def _asked(place: Place, way: Way, ping: float) -> Iterator[Figure]:
    began, own = time.perf_counter(), time.process_time()
    each = cost(place, way.ask, way.runs)
    taken, own = time.perf_counter() - began, time.process_time() - own
    yield Figure(way.name, way.runs / taken, "per s", ping, "round trips")
    yield Figure(f"{way.name}: CPU of the client", own / way.runs * 1e6, "µs per run")
    yield Figure(f"{way.name}: CPU of the server", each.cpu_ms * 1e3, "µs per run")
    yield Figure(f"{way.name}: commands, those in scripts counted", each.commands, "per run")
    yield Figure(f"{way.name}: sent and received", each.kib * 1024, "bytes per run")


def _singly(client: Client, count: int) -> None:
    for each in _runs(count):
        client.create_run(*each)


def _runs(count: int) -> list[tuple[str, dict[str, str]]]:
    return [(MARK, {"path": PATH})] * count
