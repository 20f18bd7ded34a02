"""What can be done about runners, and what the server tells of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.errors import RunnerNotFound
from orchestrator.model.ids import RunnerId
from orchestrator.operations.acting import Acting
from orchestrator.store import runners
from orchestrator.store.attention import is_led
from orchestrator.store.checks import Finding, check_server, server_facts
from orchestrator.store.requests import Plan

listed = runners.read_runners


@dataclass(frozen=True, slots=True)
class ServerState:
    """What the server tells of itself."""

    facts: dict[str, str]
    is_led: bool
    """A scheduler works: without one schedules, delayed runs and retries wait."""

    @property
    def findings(self) -> list[Finding]:
        """Whether it can be used, and what is risky about it; the worst first."""
        return check_server(self.facts)


def server_state() -> Plan[ServerState]:
    """The server as it is now."""
    facts, led = yield [server_facts(), is_led()]
    return ServerState(facts, led)


def drain(runner_id: str, acting: Acting) -> Plan[RunnerRecord]:
    """Have a runner finish what it runs and end; RunnerNotFound when it is registered nowhere."""
    every = yield from listed()
    drained = yield from _drained([each for each in every if each.id == runner_id], acting)
    if not drained:
        raise RunnerNotFound(runner_id)
    return drained[0]


def drain_host(host: str, acting: Acting) -> Plan[list[RunnerRecord]]:
    """The same for every runner of a host; RunnerNotFound when it has none."""
    every = yield from listed()
    drained = yield from _drained([each for each in every if each.host == host], acting)
    if not drained:
        raise RunnerNotFound(host)
    return drained


def _drained(records: Sequence[RunnerRecord], acting: Acting) -> Plan[list[RunnerRecord]]:
    """Those that could be told, as they are now."""
    told = []
    for record in records:
        word = yield from runners.drain_runner(RunnerId(record.id), acting.by)
        if word != "gone":
            told.append(replace(record, draining=True))
    return told
