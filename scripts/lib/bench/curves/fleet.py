"""100 to 100,000 deployments on one server, none of them served: what looks at all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from bench.costs import cost
from bench.figures import Figure
from bench.machine import cpu_seconds
from bench.place import Place, fresh_place
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.operations import deployments
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployment_listing import list_summaries
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.listing import list_runs
from orchestrator.store.overview import read_overview
from orchestrator.store.requests import Plan, Request

AMOUNTS = (100, 1_000, 10_000, 100_000)
AGAINST = "deployments on the server"
AT_ONCE = 100
SECONDS = 10
HOUR_MS = 3_600_000


def measure() -> list[Figure]:
    """What they take of the server, and each thing that reads them all."""
    figures: list[Figure] = []
    with fresh_place() as place, closing(open_store(place.url)) as store:
        empty, there = place.memory(), 0
        for amount in AMOUNTS:
            sys.stderr.write(f"{amount} deployments\n")
            for first in range(there, amount, AT_ONCE):
                _put(store, first)
            there = amount
            place.wait_until_quiet()
            each = (place.memory() - empty) / amount / 1024
            figures.append(Figure("server memory each", each, "KiB", against=AGAINST, at=amount))
            figures += _listings(place, store, amount)
            figures += _idle(place, amount)
    return figures


def _put(store: Store, first: int) -> None:
    requests: list[Request[Any]] = []
    for number in range(first, first + AT_ONCE):
        made = DeploymentDefinition(flow="fleet", name=f"d{number}", entrypoint="none.py:none")
        requests += [announce_deployment(made.id), put_deployment(made)]
    store.call_all(requests)


def _listings(place: Place, store: Store, amount: int) -> list[Figure]:
    """Each once: what counts is how they grow."""
    plans: dict[str, Callable[[], Plan[Any]]] = {
        "first page of deployments": lambda: deployments.page(50),
        "search in short": list_summaries,
        "the 50 newest runs of all": lambda: list_runs(50),
        "overview": lambda: read_overview(time.time_ns() // 1_000_000, HOUR_MS),
    }
    figures = []
    for name, plan in plans.items():
        began = time.process_time()
        spent = cost(place, partial(store.follow, plan()), 1)
        asking = (time.process_time() - began) * 1e3
        figures += [
            Figure(f"{name}: commands", spent.commands, against=AGAINST, at=amount),
            Figure(f"{name}: server CPU", spent.cpu_ms, "ms", against=AGAINST, at=amount),
            Figure(f"{name}: CPU of who asks", asking, "ms", against=AGAINST, at=amount),
        ]
    return figures


def _idle(place: Place, amount: int) -> list[Figure]:
    """Of server and scheduler, while nothing happens in any of them."""
    scheduler = place.scheduler_pid()
    before = cpu_seconds(scheduler)
    idle = cost(place, lambda: time.sleep(SECONDS), SECONDS)
    spent = (cpu_seconds(scheduler) - before) / SECONDS * 1e3
    return [
        Figure("idle: commands", idle.commands, "per s", against=AGAINST, at=amount),
        Figure("idle: scheduler CPU", spent, "ms per s", against=AGAINST, at=amount),
    ]
