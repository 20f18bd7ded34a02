"""Runs that carry much: parameters up to 512 KiB, up to 10,000 lines of log."""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

from bench.costs import cost
from bench.figures import Figure
from bench.place import CHATTER, MARK, Place, fresh_place

KIB = (0, 1, 32, 128, 511)
"""The most is 512 with the rest of the parameters."""
PARAMETERS = "KiB of parameters"
LINES = (0, 100, 1_000, 10_000)
LOG = "lines of log"
STARTS = 20


def measure_parameters() -> list[Figure]:
    """Runs one at a time, from the submit on."""
    figures: list[Figure] = []
    with fresh_place() as place, place.serving(limit=2):
        done = 0
        for kib in KIB:
            sys.stderr.write(f"{kib} KiB of parameters\n")
            waits: list[float] = []
            spent = cost(place, partial(_starts, place, kib, waits, done), STARTS)
            done += STARTS
            latency = statistics.median(waits) * 1e3
            figures.append(Figure("start latency", latency, "ms", against=PARAMETERS, at=kib))
            figures += spent.figures("per run", PARAMETERS, kib)
    return figures


def _starts(place: Place, kib: int, waits: list[float], done: int) -> None:
    ballast = "x" * (kib * 1024)
    for number in range(done + 1, done + STARTS + 1):
        time.sleep(0.1)
        sent = time.time()
        place.client.create_run(MARK, {"path": str(place.marks), "ballast": ballast})
        waits.append(place.moments(number)[-1] - sent)


def measure_logs() -> list[Figure]:
    """One run, from its first line to its end, and what it leaves in the server."""
    figures: list[Figure] = []
    with fresh_place() as place, place.serving(limit=2, script="chattering"):
        _chatter(place, 0, [])  # the first run loads the scripts
        for lines in LINES:
            sys.stderr.write(f"{lines} lines\n")
            before, took = place.memory(), list[float]()
            spent = cost(place, partial(_chatter, place, lines, took), 1)
            kept = (place.memory() - before) / 1024
            figures += [
                Figure("the run took", took[0] * 1e3, "ms", against=LOG, at=lines),
                *spent.figures("per run", LOG, lines),
                Figure("server memory", kept, "KiB", against=LOG, at=lines),
            ]
    return figures


def _chatter(place: Place, lines: int, took: list[float]) -> None:
    asked = place.client.create_run(CHATTER, {"lines": lines})
    run = place.client.wait_for_run(asked.id)
    assert run.started_at is not None
    assert run.ended_at is not None
    took.append((run.ended_at - run.started_at) / 1000)
