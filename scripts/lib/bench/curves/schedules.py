"""0 to 100,000 schedules of which none is due."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing

from bench.costs import cost
from bench.figures import Figure
from bench.machine import cpu_seconds
from bench.place import Place, fresh_place
from orchestrator.model.deployment import DeploymentDefinition, ScheduleDefinition
from orchestrator.store.attention import lower_attention
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment

AMOUNTS = (0, 100, 1_000, 10_000, 100_000)
AGAINST = "idle schedules"
EACH = 100
"""Schedules of a deployment."""
SECONDS = 20


def measure() -> list[Figure]:
    """What scheduler and server do about them, once each was looked at."""
    figures: list[Figure] = []
    with fresh_place() as place, closing(open_store(place.url)) as store:
        empty, there = place.memory(), 0
        for amount in AMOUNTS:
            sys.stderr.write(f"{amount} schedules\n")
            for first in range(there, amount, EACH):
                _put(store, first // EACH)
            there = amount
            place.wait_until_quiet()
            figures += _costs(place, amount)
            if amount:
                each = (place.memory() - empty) / amount / 1024
                name = "server memory per schedule"
                figures.append(Figure(name, each, "KiB", against=AGAINST, at=amount))
    return figures


def _costs(place: Place, amount: int) -> Iterator[Figure]:
    scheduler = place.scheduler_pid()
    before = cpu_seconds(scheduler)
    idle = cost(place, lambda: time.sleep(SECONDS), SECONDS)
    spent = (cpu_seconds(scheduler) - before) / SECONDS * 1e3
    yield Figure("commands", idle.commands, "per s", against=AGAINST, at=amount)
    yield Figure("scheduler CPU", spent, "ms per s", against=AGAINST, at=amount)
    yield Figure("server CPU", idle.cpu_ms, "ms per s", against=AGAINST, at=amount)


def _put(store: Store, number: int) -> None:
    """A deployment with its share of schedules, due next New Year."""
    schedules = tuple(
        ScheduleDefinition(slug=f"s{n}", kind="cron", expression="0 0 1 1 *", timezone="UTC")
        for n in range(EACH)
    )
    made = DeploymentDefinition(
        flow="idle", name=f"d{number}", entrypoint="none.py:none", schedules=schedules
    )
    lower = lower_attention(made.id, 0)
    store.call_all([lower, announce_deployment(made.id), put_deployment(made), lower])
