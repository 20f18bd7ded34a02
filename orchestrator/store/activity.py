"""Whether anybody needs the server: who is connected, and what there is still to do."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Plan, command

_NAME = re.compile(r"(?<= name=)\S*")


@dataclass(frozen=True, slots=True)
class Activity:
    """What the server is needed for at this moment."""

    strangers: int
    """Connections of others than those who serve it."""
    connections: int
    """Made since the server started: who came and went shows here."""
    open_runs: bool
    to_come: bool
    """A schedule is active, or a run waits for its time."""

    @property
    def is_needed(self) -> bool:
        return self.strangers > 0 or self.open_runs or self.to_come


def activity(servants: Collection[str]) -> Plan[Activity]:
    """What goes on; connections that bear one of the names in ``servants`` do not count."""
    clients, stats, attention, deployments = yield [
        command(str, "CLIENT", "LIST"),
        command(str, "INFO", "stats"),
        command(int, "ZCARD", keys.ATTENTION),
        command(list, "SMEMBERS", keys.DEPLOYMENTS),
    ]
    found = re.search(r"total_connections_received:(\d+)", stats)
    assert found is not None, "INFO stats always counts connections"
    open_runs = yield [
        command(bool, *words) for each in deployments for words in _open_runs(DeploymentId(each))
    ]
    return Activity(
        strangers=sum(name not in servants for name in _NAME.findall(clients)),
        connections=int(found[1]),
        open_runs=any(open_runs),
        to_come=attention > 0,
    )


def _open_runs(d: DeploymentId) -> list[tuple[str, str]]:
    """Tickets that wait in a queue or belong to a claimed run, and the claims themselves."""
    streams = (keys.queue_first(d), keys.queue(d), keys.queue_late(d))
    return [*(("XLEN", stream) for stream in streams), ("ZCARD", keys.leases(d))]
