"""Upkeep: what looks over a deployment find to do that is nobody's run.

Ended runs leave the index when their time is over. And should keys have been damaged (a stream
trimmed, a set deleted, a group destroyed), each open run gets its path to progress again.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.store import keys
from orchestrator.store.requests import Plan, for_deployment


@dataclass(frozen=True, slots=True)
class Difference:
    """A record and what leads to its run do not fit each other."""

    run_id: RunId
    what: str


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
    return len((yield from _walk(d, retention_ms, only_look=False)))


def audit_deployment(d: DeploymentId) -> Plan[list[Difference]]:
    """What a repair would find to do, and nothing is changed."""
    found = yield from _walk(d, keys.RETENTION_MS, only_look=True)
    # What is not repaired at one place is met again at the next.
    return list(dict.fromkeys(found))


def _walk(d: DeploymentId, retention_ms: int, *, only_look: bool) -> Plan[list[Difference]]:
    found: list[Difference] = []
    place, after = "leases", ""
    while place:
        request = for_deployment(
            d,
            "repair_deployment",
            list,
            place=place,
            after=after,
            retention_ms=retention_ms,
            only_look="1" if only_look else "",
        )
        ((_, place, after, *page),) = yield [request]
        found += [Difference(RunId(run_id), what) for run_id, what in page]
    return found
