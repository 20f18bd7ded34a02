"""Whether records and what leads to their runs fit each other, and making them fit."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId, deployment_id
from orchestrator.operations.acting import Acting
from orchestrator.store.deployments import list_deployments
from orchestrator.store.requests import Plan
from orchestrator.store.upkeep import audit_deployment, repair_deployment


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that keys of a deployment should not say: somebody or something damaged them."""

    deployment: str
    run: str
    what: str


def audit() -> Plan[list[Misfit]]:
    """Everything that does not fit, in all deployments. Nothing is changed."""
    found: list[Misfit] = []
    for deployment in (yield from list_deployments()):
        found += yield from _misfits(deployment.id, deployment.name)
    return found


def repair(acting: Acting) -> Plan[list[Misfit]]:
    """The same, and afterwards all of it fits: each open run is led to once again."""
    found = yield from audit()
    for name in {each.deployment for each in found}:
        yield from repair_deployment(deployment_id(name), acting.retention_ms)
    return found


def _misfits(d: DeploymentId, name: str) -> Plan[list[Misfit]]:
    differences = yield from audit_deployment(d)
    return [Misfit(name, each.run_id, each.what) for each in differences]
