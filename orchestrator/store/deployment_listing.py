"""Deployments in short: what is searched before a page of them is read whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Plan, Request, command, in_turns


@dataclass(frozen=True, slots=True)
class Summary:
    """A deployment in short."""

    id: DeploymentId
    name: str
    tags: tuple[str, ...]
    paused: bool
    held: bool


def list_summaries() -> Plan[list[Summary]]:
    """All deployments in short, sorted by name."""
    (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    found: list[Summary | None] = yield from in_turns(_summary_of(DeploymentId(d)) for d in members)
    return sorted((each for each in found if each), key=lambda each: each.name)


def served(members: Sequence[DeploymentId]) -> Plan[set[DeploymentId]]:
    """Those for which a runner is registered."""
    lists: list[list[str]] = yield [command(list, "HKEYS", keys.runners(d)) for d in members]
    return {
        d
        for d, fields in zip(members, lists, strict=True)
        if any(":" not in field for field in fields)
    }


def _summary_of(d: DeploymentId) -> Request[Summary | None]:
    fields = ("name", "tags", "paused", "held")
    return command(lambda reply: _summary(d, reply), "HMGET", keys.deployment(d), *fields)


def _summary(d: DeploymentId, reply: Sequence[Any]) -> Summary | None:
    name, tags, paused, held = reply
    if not name:
        return None
    return Summary(d, name, tuple(json.loads(tags or "[]")), paused == "1", held == "1")
