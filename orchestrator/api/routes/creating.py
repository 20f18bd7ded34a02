"""From what a request says to a run that is asked for."""

from __future__ import annotations

from orchestrator.api.backend import Caller
from orchestrator.api.given import RunGiven, RunOfDeploymentGiven
from orchestrator.model.asked import Asked


def asked_for(
    given: RunGiven | RunOfDeploymentGiven,
    caller: Caller,
    key: str | None,
    *,
    deployment: str = "",
) -> Asked:
    """The run that is asked for; InvalidInput when it cannot be."""
    own = given.idempotency_key if isinstance(given, RunGiven) else None
    return Asked(
        deployment=given.deployment if isinstance(given, RunGiven) else deployment,
        parameters=given.parameters,
        tags=given.tags,
        scheduled_at=given.scheduled_at,
        idempotency_key=own or key,
        name=given.name,
        created_by=caller.name,
    )
