"""1 to 1,000 deployments in one runner."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench.costs import cost
from bench.figures import Figure
from bench.machine import child_of, cpu_seconds, memory_mib
from bench.place import MARK, Place, fresh_place

AMOUNTS = (1, 10, 100, 1_000)
AGAINST = "deployments"
RUNS = 200
STARTS = 20
IDLE_SECONDS = 20


def measure() -> list[Figure]:
    """Registering, doing nothing, one run at a time, many at once."""
    return [figure for amount in AMOUNTS for figure in _with(amount)]


def _with(amount: int) -> list[Figure]:
    sys.stderr.write(f"{amount} deployments\n")
    names = [MARK, *(f"mark/more-{number}" for number in range(1, amount))]
    with fresh_place() as place:
        began = time.perf_counter()
        with place.serving(limit=8, deployments=amount) as script:
            ready = time.perf_counter() - began
            latency = _latency(place, names)
            busy = cost(place, lambda: _run(place, names), RUNS)
            figures = _idle(place, script, amount)
    return [
        Figure("start of the script until it serves", ready, "s", against=AGAINST, at=amount),
        Figure("idle start latency, median", latency * 1e3, "ms", against=AGAINST, at=amount),
        *busy.figures("per run", AGAINST, amount),
        *figures,
    ]


def _latency(place: Place, names: list[str]) -> float:
    """The median over runs of deployments all over the list."""
    found = []
    for number in range(STARTS):
        time.sleep(0.1)
        sent = time.time()
        name = names[number * len(names) // STARTS]
        place.client.create_run(name, {"path": str(place.marks)})
        found.append(place.moments(number + 1)[-1] - sent)
    return statistics.median(found)


def _run(place: Place, names: list[str]) -> None:
    """The deployments in turn."""
    wanted = [names[number % len(names)] for number in range(RUNS)]
    place.client.create_runs([(name, {"path": str(place.marks)}) for name in wanted])
    place.moments(STARTS + RUNS)
    place.wait_until_idle(names)


def _idle(place: Place, script: subprocess.Popen[bytes], amount: int) -> list[Figure]:
    runner = child_of(script.pid)
    before = cpu_seconds(runner)
    idle = cost(place, lambda: time.sleep(IDLE_SECONDS), IDLE_SECONDS)
    spent = (cpu_seconds(runner) - before) / IDLE_SECONDS * 1e3
    memory = memory_mib(runner) + memory_mib(child_of(runner))
    return [
        Figure("idle: commands", idle.commands, "per s", against=AGAINST, at=amount),
        Figure("idle: server CPU", idle.cpu_ms, "ms per s", against=AGAINST, at=amount),
        Figure("idle: runner CPU", spent, "ms per s", against=AGAINST, at=amount),
        Figure("runner and spawner, memory", memory, "MiB", against=AGAINST, at=amount),
    ]
