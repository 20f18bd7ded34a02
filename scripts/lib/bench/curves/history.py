"""0 to 1,000,000 finished runs kept, all of one deployment."""

from __future__ import annotations

import time

from bench.curves.probe import DEFINITION, D, Probe, grow
from bench.figures import Figure
from bench.filling import finished_runs

AMOUNTS = (0, 1_000, 10_000, 100_000, 1_000_000)
AT_ONCE = 500


def measure() -> list[Figure]:
    """What they take of the server, and what is asked while they are kept."""
    return grow("finished run", AMOUNTS, _add)


def _add(probe: Probe, there: int, amount: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    for first in range(there, amount, AT_ONCE):
        probe.store.call(finished_runs(D, DEFINITION.full_name, first, AT_ONCE, now_ms, 500))
