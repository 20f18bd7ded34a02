"""What was asked of a server: counted, so that no test depends on how fast a machine is."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.store.caller import Store
from orchestrator.store.requests import as_is, command


@dataclass(frozen=True)
class Cost:
    """Commands the server executed, by name, those inside scripts counted."""

    calls: dict[str, int]

    @property
    def commands(self) -> int:
        return sum(self.calls.values())


def forget_costs(store: Store) -> None:
    store.call(command(as_is, "CONFIG", "RESETSTAT"))


def cost(store: Store) -> Cost:
    """Since they were forgotten; asking, and keeping a connection, are not counted."""
    facts = str(store.call(command(as_is, "INFO", "commandstats")))
    calls = {}
    for line in facts.splitlines():
        if line.startswith("cmdstat_"):
            name, _, numbers = line.removeprefix("cmdstat_").partition(":")
            calls[name] = int(numbers.partition(",")[0].removeprefix("calls="))
    for ours in ("config|resetstat", "info", "ping"):
        calls.pop(ours, None)
    return Cost(calls)


@dataclass(frozen=True)
class Traffic:
    """What the server has read and written since it started; asking about it is counted."""

    reads: int
    """How often there was something to be read: with one client its round trips."""
    came_in: int
    went_out: int

    def since(self, before: Traffic) -> Traffic:
        return Traffic(
            self.reads - before.reads,
            self.came_in - before.came_in,
            self.went_out - before.went_out,
        )


def traffic(store: Store) -> Traffic:
    """Of all connections."""
    facts = str(store.call(command(as_is, "INFO", "stats")))
    found = dict(line.split(":", 1) for line in facts.splitlines() if ":" in line)
    names = ("total_reads_processed", "total_net_input_bytes", "total_net_output_bytes")
    return Traffic(*(int(found[name]) for name in names))
