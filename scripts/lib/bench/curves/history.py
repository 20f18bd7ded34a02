"""0 to 1,000,000 finished runs kept, all of one deployment."""

from __future__ import annotations

import sys
import time
from contextlib import closing

from bench.curves.probe import DEFINITION, D, Probe
from bench.figures import Figure
from bench.filling import finished_runs
from bench.place import fresh_place
from orchestrator.store.connection import open_store

AMOUNTS = (0, 1_000, 10_000, 100_000, 1_000_000)
AGAINST = "finished runs"
AT_ONCE = 500


def measure() -> list[Figure]:
    """What they take of the server, and what is asked while they are kept."""
    figures: list[Figure] = []
    with fresh_place() as place, closing(open_store(place.url)) as store:
        probe = Probe(place, store)
        probe.register()
        there = 0
        for amount in AMOUNTS:
            sys.stderr.write(f"{amount} finished runs\n")
            before, now_ms = place.memory(), time.time_ns() // 1_000_000
            for first in range(there, amount, AT_ONCE):
                store.call(finished_runs(D, DEFINITION.full_name, first, AT_ONCE, now_ms, 500))
            if amount:
                each = (place.memory() - before) / (amount - there) / 1024
                name = "memory per finished run"
                figures.append(Figure(name, each, "KiB", against=AGAINST, at=amount))
            there = amount
            figures += probe.figures(AGAINST, amount)
    return figures
