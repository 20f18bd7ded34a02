"""Runs that hold each other up: each has a slot and waits for one that waits for a slot. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId, RunId


@dataclass(frozen=True, slots=True)
class Hanging:
    """A run that goes on only when others do."""

    deployment: DeploymentId
    waits_for: tuple[RunId, ...] = ()
    """The runs whose ends it waits for; empty: it waits for a slot, in a queue."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Slots, and which runs have them."""

    size: int
    runs: frozenset[RunId]


@dataclass(frozen=True, slots=True)
class Places:
    """Where runs of a deployment can begin: in a slot of one of its runners, and within its own
    limit."""

    runners: tuple[Pool, ...]
    limit: Pool | None = None


def stuck_runs(
    hanging: Mapping[RunId, Hanging], places: Mapping[DeploymentId, Places]
) -> frozenset[RunId]:
    """Those of the runs that will never go on by themselves: whatever one of them waits for is
    among them, and so is whatever has a slot that one of them could take.

    A run that is not ``hanging``, and a deployment without runners, are somebody else's matter:
    what they hold up is not called stuck.
    """
    stuck = frozenset(hanging)
    while True:
        still = frozenset(each for each in stuck if _is_stuck(hanging[each], places, stuck))
        if still == stuck:
            return stuck
        stuck = still


def _is_stuck(run: Hanging, places: Mapping[DeploymentId, Places], stuck: frozenset[RunId]) -> bool:
    if run.waits_for:
        return stuck.issuperset(run.waits_for)
    where = places.get(run.deployment)
    if where is None or not where.runners:
        return False
    if where.limit is not None and _is_shut(where.limit, stuck):
        return True
    return all(_is_shut(pool, stuck) for pool in where.runners)


def _is_shut(pool: Pool, stuck: frozenset[RunId]) -> bool:
    return len(pool.runs) >= pool.size and pool.runs <= stuck
