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

    connections: int
    """Made since the server started: who came and went shows here."""
    is_needed: bool
    """Somebody is connected, a schedule is active, a run is open or waits for its time, or a
    trigger waits for a silence."""


def activity(
    servants: Collection[str], messengers: Mapping[str, float] | None = None
) -> Plan[Activity]:
    """What goes on; connections that bear one of the names in ``servants`` do not count, and those
    of ``messengers`` only when they said something within so many seconds."""
    clients, stats, attention = yield [
        command(str, "CLIENT", "LIST"),
        command(str, "INFO", "stats"),
        command(int, "ZCARD", keys.ATTENTION),
    ]
    found = re.search(r"total_connections_received:(\d+)", stats)
    assert found is not None, "INFO stats always counts connections"
    lines = clients.splitlines()
    is_needed = attention > 0 or any(_is_stranger(e, servants, messengers or {}) for e in lines)
    # The deployments are asked one by one, so only when nothing else has answered it.
    is_needed = is_needed or (yield from _is_open()) or (yield from somebody_waits())
    return Activity(int(found[1]), is_needed)


def _is_open() -> Plan[bool]:
    """Whether any run has not ended."""
    (deployments,) = yield [command(list, "SMEMBERS", keys.DEPLOYMENTS)]
    found = yield [
        command(bool, *words) for each in deployments for words in _open_runs(DeploymentId(each))
    ]
    return any(found)


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
