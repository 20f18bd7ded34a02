"""Whether anybody needs the server: who is connected, and what there is still to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Plan, command
from orchestrator.store.triggers import somebody_waits

_NAME = re.compile(r"(?<= name=)\S*")
_IDLE = re.compile(r"(?<= idle=)\d+")


@dataclass(frozen=True, slots=True)
class Activity:
    """What the server is needed for at this moment."""

    strangers: int
    """Connections of others than those who serve it."""
    connections: int
    """Made since the server started: who came and went shows here."""
    open_runs: bool
    to_come: bool
    """A schedule is active, a run waits for its time, or a trigger for a silence."""

    @property
    def is_needed(self) -> bool:
        return self.strangers > 0 or self.open_runs or self.to_come


def activity(
    servants: Collection[str], messengers: Mapping[str, float] | None = None
) -> Plan[Activity]:
    """What goes on; connections that bear one of the names in ``servants`` do not count, and those
    of ``messengers`` only when they said something within so many seconds."""
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
    waiting = yield from somebody_waits()
    return Activity(
        strangers=sum(
            _is_stranger(line, servants, messengers or {}) for line in clients.splitlines()
        ),
        connections=int(found[1]),
        open_runs=any(open_runs),
        to_come=attention > 0 or waiting,
    )


def _is_stranger(line: str, servants: Collection[str], messengers: Mapping[str, float]) -> bool:
    """Whether a line of the list of clients tells of somebody who needs the server."""
    name, idle = _NAME.search(line), _IDLE.search(line)
    assert name is not None, "a client always has a name, be it empty"
    assert idle is not None, "and it is told how long it has been silent"
    if name[0] in messengers:
        return int(idle[0]) <= messengers[name[0]]
    return name[0] not in servants


def _open_runs(d: DeploymentId) -> list[tuple[str, str]]:
    """Tickets that wait in a queue or belong to a claimed run, and the claims themselves."""
    streams = (keys.queue_first(d), keys.queue(d), keys.queue_late(d))
    return [*(("XLEN", stream) for stream in streams), ("ZCARD", keys.leases(d))]
