"""1 to 8 serving scripts on one server, all of the same deployments."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

from bench.costs import cost
from bench.figures import Figure
from bench.place import Place, fresh_place

AMOUNTS = (1, 2, 4, 8)
AGAINST = "runners"
RUNS = 800
IDLE_SECONDS = 20


def measure() -> list[Figure]:
    """What a queue that they share costs, and what they cost while it is empty."""
    return [figure for amount in AMOUNTS for figure in _with(amount)]


def _with(amount: int) -> list[Figure]:
    sys.stderr.write(f"{amount} runners\n")
    with fresh_place() as place, ExitStack() as stack:
        for _ in range(amount):
            stack.enter_context(place.serving(limit=2))
        busy = cost(place, lambda: _run(place), RUNS)
        moments = place.moments(RUNS)
        idle = cost(place, lambda: time.sleep(IDLE_SECONDS), IDLE_SECONDS)
    rate = (RUNS - 1) / (moments[-1] - moments[0])
    return [
        Figure("isolated runs", rate, "per s", against=AGAINST, at=amount),
        *busy.figures("per run", AGAINST, amount),
        Figure("idle: commands", idle.commands, "per s", against=AGAINST, at=amount),
        Figure("idle: server CPU", idle.cpu_ms, "ms per s", against=AGAINST, at=amount),
    ]


def _run(place: Place) -> None:
    place.submit_bulk(RUNS)
    place.moments(RUNS)
    place.wait_until_idle()
