"""Hooks that are owed: of runs that ended when no process of theirs was left to call them.

The duty lies in the deployment's slot from the step in which the run ended until somebody has
called them, so that they are called at least once, as long as the record is kept.
"""

from __future__ import annotations

from typing import Any

from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.store import keys
from orchestrator.store.requests import Request, command, for_deployment, nothing

Owed = tuple[RunId, str]
"""A run, and the token of its last attempt."""


def take_hooks(d: DeploymentId, count: int, hold_ms: int) -> Request[list[Owed]]:
    """Up to ``count`` duties, the earliest first; for ``hold_ms`` nobody else takes them."""
    return for_deployment(d, "take_hooks", _owed, count=count, hold_ms=hold_ms)


def hooks_called(run_id: RunId) -> Request[None]:
    """Nothing is owed to this run any more."""
    return command(nothing, "ZREM", keys.hooks(deployment_of(run_id)), run_id)


def _owed(reply: list[Any]) -> list[Owed]:
    return [(RunId(run_id), token) for run_id, token in reply[1:]]
