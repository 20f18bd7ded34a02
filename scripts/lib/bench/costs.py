"""What something costs the server: counted, not timed, so that a busy machine tells nearly the same
as a quiet one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.figures import Figure
from bench.machine import cpu_seconds
from bench.place import Place


@dataclass(frozen=True)
class Cost:
    """Of one of the things counted."""

    commands: float
    """Those inside scripts too."""
    kib: float
    """Received and sent."""
    cpu_ms: float
    """Of the server."""

    def figures(self, per: str, against: str, at: float) -> list[Figure]:
        """Points of three curves."""
        return [
            Figure(f"commands {per}", self.commands, against=against, at=at),
            Figure(f"bytes {per}", self.kib, "KiB", against=against, at=at),
            Figure(f"server CPU {per}", self.cpu_ms, "ms", against=against, at=at),
        ]


def cost(place: Place, act: Callable[[], object], count: float) -> Cost:
    """What ``act`` costs, divided by the ``count`` of what it does."""
    before = _totals(place)
    act()
    commands, transferred, cpu = (
        (b - a) / count for a, b in zip(before, _totals(place), strict=True)
    )
    return Cost(commands, transferred / 1024, cpu * 1e3)


def _totals(place: Place) -> tuple[float, float, float]:
    facts = place.client.server_facts()
    transferred = int(facts["total_net_input_bytes"]) + int(facts["total_net_output_bytes"])
    cpu = cpu_seconds(int(facts["process_id"]))
    return int(facts["total_commands_processed"]), transferred, cpu
