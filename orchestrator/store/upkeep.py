"""Upkeep: what looks over a deployment find to do that is nobody's run.

Ended runs leave the index when their time is over. And should keys have been damaged (a stream
trimmed, a set deleted, a group destroyed), each open run gets its path to progress again.
"""

from __future__ import annotations

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Plan, for_deployment


def sweep_runs(d: DeploymentId) -> Plan[int]:
    """Forget the ended runs whose time is over, page by page; how many there were."""
    swept, word = 0, "more"
    while word == "more":
        ((word, page),) = yield [for_deployment(d, "sweep_runs", list)]
        swept += int(page)
    return swept


def repair_deployment(d: DeploymentId, retention_ms: int = keys.RETENTION_MS) -> Plan[int]:
    """Make paths and runs fit each other, page by page; how many differences there were.

    ``retention_ms``: for ended runs that nobody gave an end to their life.
    """
    repaired, place, after = 0, "leases", ""
    while place:
        request = for_deployment(
            d, "repair_deployment", list, place=place, after=after, retention_ms=retention_ms
        )
        ((_, page, place, after),) = yield [request]
        repaired += int(page)
    return repaired
