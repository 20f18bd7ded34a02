"""Many schedules of one instant, all of one deployment or of one each, with nobody who serves.

Told is when the last run came into its stream; what each took of scheduler and server, from the
look ahead until its event was copied; and how short the lead once was: one that ends is another's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bench.costs import cost
from bench.figures import Figure
from bench.machine import cpu_seconds, until
from bench.place import fresh_place
from orchestrator.model.deployment import DeploymentDefinition, ScheduleDefinition
from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.requests import Request, as_is, command

SIZES = (1_000, 10_000)
AHEAD_SECONDS = 11
"""Before the instant the last look at it begins; all that comes earlier is not counted."""
MADE_A_SECOND = 400
"""Deployments, with all that is first planned of them, on a busy machine."""


def measure() -> list[Figure]:
    """Each amount on a server of its own."""
    return [
        figure
        for count in SIZES
        for what, deployments in (("one deployment", 1), ("one deployment each", count))
        for figure in _measured(f"{count:,} schedules, {what}", count, deployments)
    ]


def _measured(name: str, count: int, deployments: int) -> Iterator[Figure]:
    sys.stderr.write(f"{name}\n")
    with fresh_place() as place, closing(open_store(place.url)) as store:
        scheduler = place.scheduler_pid()
        due = int(time.time()) + AHEAD_SECONDS + 6 + count // MADE_A_SECOND
        members = _put(store, count, deployments, due)
        time.sleep(due - AHEAD_SECONDS - time.time())  # fails when putting took too long
        watch = _Watch(store, due * 1000, store.call(_FEED) + count)
        before = cpu_seconds(scheduler)
        spent = cost(place, lambda: until(watch.is_over, pause=0.2), count)
        planning = (cpu_seconds(scheduler) - before) / count * 1e6
        yield Figure(f"{name}, last queued", _last(store, members, count) - due, "s")
        yield Figure(f"{name}: CPU of the scheduler", planning, "µs per run")
        yield Figure(f"{name}: CPU of the server", spent.cpu_ms * 1e3, "µs per run")
        yield Figure(f"{name}: commands, those in scripts counted", spent.commands, "per run")
        yield Figure(f"{name}: least that was left of the lead", watch.least_ms / 1000, "s")


_FEED = command(int, "XLEN", keys.EVENTS)


@dataclass
class _Watch:
    """Asks some times a second whether it is over, and how long the lead still lasts."""

    store: Store
    due_ms: int
    events: int
    """So many there are in the feed when it is over."""
    least_ms: float = float("inf")

    def is_over(self) -> bool:
        waiting = ("ZCOUNT", keys.ATTENTION, "-inf", self.due_ms)
        asked: list[Request[Any]] = [_FEED, command(int, *waiting)]
        copied, late, left = self.store.call_all([*asked, command(int, "PTTL", keys.LEADER)])
        self.least_ms = min(self.least_ms, left)
        return bool(time.time() * 1000 > self.due_ms and not late and copied >= self.events)


def _put(store: Store, count: int, deployments: int, due: int) -> list[DeploymentId]:
    at = time.gmtime(due)
    line = f"{at.tm_min} {at.tm_hour} {at.tm_mday} {at.tm_mon} * {at.tm_sec}"
    schedules = tuple(
        ScheduleDefinition(slug=f"s{n}", kind="cron", expression=line, timezone="UTC")
        for n in range(count // deployments)
    )
    members = []
    for number in range(deployments):
        made = DeploymentDefinition(
            flow="instant", name=f"d{number}", entrypoint="none.py:none", schedules=schedules
        )
        lower = lower_attention(made.id, NOW)
        store.call_all([lower, announce_deployment(made.id), put_deployment(made), lower])
        members.append(made.id)
    return members


def _last(store: Store, members: Sequence[DeploymentId], count: int) -> float:
    """When the last run was created, in seconds since 1970."""
    asked = [command(as_is, "ZREVRANGE", keys.runs(d), 0, 0, "WITHSCORES") for d in members]
    counts = store.call_all([command(int, "ZCARD", keys.runs(d)) for d in members])
    assert sum(counts) == count, f"{sum(counts)} runs of {count}"
    return max(int(at) for _, at in store.call_all(asked)) / 1000
