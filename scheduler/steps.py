"""Steps: what an outlook asks of the server, in calls of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store.requests import Request
from orchestrator.store.schedules import Tick, promote_delayed, tick_schedules

from .planning import Outlook

IN_ONE_STEP = 100
"""Runs made by one call, which keeps the server from others meanwhile."""

LARGEST_STEP = 1024 * 1024
"""Characters of parameters in one call."""


def calls_of(d: DeploymentId, view: Outlook, retention_ms: int) -> Iterator[Request[Any]]:
    """What is to be sent, in this order."""
    for ticks in _steps(view.ticks):
        yield tick_schedules(d, ticks, retention_ms)
    if view.promote:
        yield promote_delayed(d)


def _steps(ticks: Iterable[Tick]) -> Iterator[list[Tick]]:
    """What is done in one call, within bounds. Runs that must not overlap mean a look at those that
    are open, and so each of these schedules has a call of its own."""
    step: list[Tick] = []
    runs = size = 0
    for tick in ticks:
        more = IN_ONE_STEP if tick.overlap != "allow" else max(1, len(tick.occurrences))
        length = sum(len(each.parameters) for each in tick.occurrences)
        if step and (runs + more > IN_ONE_STEP or size + length > LARGEST_STEP):
            yield step
            step, runs, size = [], 0, 0
        step.append(tick)
        runs, size = runs + more, size + length
    if step:
        yield step
