"""0 to 100,000 runs that wait in the queue of one deployment."""

from __future__ import annotations

import sys
from contextlib import closing

from bench.curves.probe import DEFINITION, Probe
from bench.figures import Figure
from bench.place import fresh_place
from orchestrator.store.connection import open_store

AMOUNTS = (0, 100, 1_000, 10_000, 100_000)
AGAINST = "waiting runs"


def measure() -> list[Figure]:
    """What they take of the server, and what is asked while they wait."""
    figures: list[Figure] = []
    with fresh_place() as place, closing(open_store(place.url)) as store:
        probe = Probe(place, store)
        probe.register()
        there = 0
        for amount in AMOUNTS:
            sys.stderr.write(f"{amount} waiting runs\n")
            before = place.memory()
            place.client.create_runs([(DEFINITION.full_name, {"number": 1})] * (amount - there))
            if amount:
                each = (place.memory() - before) / (amount - there) / 1024
                name = "memory per waiting run"
                figures.append(Figure(name, each, "KiB", against=AGAINST, at=amount))
            there = amount
            figures += probe.figures(AGAINST, amount)
    return figures
