"""0 to 100,000 runs that wait in the queue of one deployment."""

from __future__ import annotations

from bench.curves.probe import DEFINITION, Probe, grow
from bench.figures import Figure

AMOUNTS = (0, 100, 1_000, 10_000, 100_000)


def measure() -> list[Figure]:
    """What they take of the server, and what is asked while they wait."""
    return grow("waiting run", AMOUNTS, _add)


def _add(probe: Probe, there: int, amount: int) -> None:
    asked = [(DEFINITION.full_name, {"number": 1})] * (amount - there)
    probe.place.client.create_runs(asked)
