"""How long a run waits for its first line while the machine is busy with others: runs come at
random moments, as many a second as a share of what the same machine did at most just before."""

from __future__ import annotations

import random
import statistics
import sys
import time

from bench.figures import Figure, quantile
from bench.machine import until
from bench.place import MARK, Place, fresh_place

SHARES = (25, 50, 75, 90)
SECONDS = 15
SLOTS = 8


def measure(runs: int) -> list[Figure]:
    """The capacity, and the latencies below it."""
    with fresh_place() as place:
        capacity = _capacity(place, runs)
        figures = [Figure("capacity: runs that waited all", capacity, "per s")]
        with place.serving(limit=SLOTS):
            for share in SHARES:
                sys.stderr.write(f"at {share} % of {capacity:.0f} runs a second\n")
                waits = _at(place, share, capacity * share / 100)
                for name, value in (
                    ("median", statistics.median(waits)),
                    ("p99", quantile(waits, 0.99)),
                ):
                    figures.append(
                        Figure(name, value * 1e3, "ms", against="% of capacity", at=share)
                    )
        return figures


def _capacity(place: Place, runs: int) -> float:
    with place.serving(limit=SLOTS):
        pass  # registers the deployment
    place.submit_bulk(runs)
    with place.serving(limit=SLOTS):
        moments = place.moments(runs)
        place.wait_until_idle()
    return (runs - 1) / (moments[-1] - moments[0])


def _at(place: Place, share: int, pace: float) -> list[float]:
    """Seconds from when each run should have been asked for, even if the asking was late itself,
    to its first line."""
    chance = random.Random(share)
    due: list[float] = []
    moment = time.time() + 0.1
    while len(due) < pace * SECONDS:
        due.append(moment)
        moment += chance.expovariate(pace)
    folder = place.folder / f"load-{share}"
    folder.mkdir()
    paths = [folder / str(number) for number in range(len(due))]
    for at, path in zip(due, paths, strict=True):
        time.sleep(max(0.0, at - time.time()))
        place.client.create_run(MARK, {"path": str(path)})
    until(lambda: all(path.exists() and path.stat().st_size for path in paths))
    return [float(path.read_text()) - at for path, at in zip(paths, due, strict=True)]
