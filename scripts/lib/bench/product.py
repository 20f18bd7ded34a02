"""The product beside the limits of the machine."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure, median, quantile
from bench.machine import (
    child_of,
    cpu_seconds,
    cpu_seconds_of_ended,
    fork_rate,
    memory_mib,
    until,
)
from bench.place import NAP, Place, fresh_place

SLOTS = 16
"""For as many runs as fit. With eight, a tenth of two cores stays idle: between two runs a slot
waits for the server."""

ROUNDS = 5


def measure(runs: int) -> list[Figure]:
    """Latency, throughput, cancelling, idling."""
    with fresh_place() as place:
        return [*_one_at_a_time(place), *_many(place, runs)]


def _one_at_a_time(place: Place) -> list[Figure]:
    with place.serving(limit=2) as script:
        latencies = _idle_latencies(place, count=50)
        cancels = [_cancel(place) for _ in range(10)]
        place.wait_until_idle()
        before = place.commands()
        time.sleep(10)
        idle = (place.commands() - before) / 10
        runner = child_of(script.pid)
        memory = memory_mib(runner) + memory_mib(child_of(runner))
    place.marks.unlink()
    return [
        Figure("idle start latency, median", statistics.median(latencies) * 1e3, "ms"),
        Figure("idle start latency, p95", quantile(latencies, 0.95) * 1e3, "ms"),
        Figure("cancel to process gone, median", statistics.median(cancels) * 1e3, "ms"),
        Figure("server commands, idle: two deployments and the scheduler", idle, "per s"),
        Figure("memory of runner and spawner (PSS)", memory, "MiB"),
    ]


def _many(place: Place, runs: int) -> list[Figure]:
    """In rounds, each beside the machine's limit at that time."""
    rounds = [_round(place, runs) for _ in range(ROUNDS)]
    figures = [
        median(same[0].name, [each.value for each in same], same[0].unit)
        for same in zip(*rounds, strict=True)
    ]
    bare, isolated, *others = figures
    return [bare, replace(isolated, beside=bare.value, beside_what="fork limit"), *others]


def _round(place: Place, runs: int) -> list[Figure]:
    bare = fork_rate()
    place.submit_bulk(runs)
    before = place.commands()
    with place.serving(limit=SLOTS) as script:
        counted = len(place.moments(min(20, runs - 1)))
        at_first = _shares(script, place)
        moments = place.moments(runs)
        at_last = _shares(script, place)
        place.wait_until_idle()
    commands = place.commands() - before
    place.marks.unlink()
    return [
        Figure("fork, exit and wait, nothing else", bare, "per s"),
        Figure("isolated runs", (runs - 1) / (moments[-1] - moments[0]), "per s"),
        Figure("server commands per run, those in scripts counted", commands / runs),
        *(
            Figure(f"CPU of {who}", (at_last[who] - cpu) / (runs - counted) * 1e3, "ms per run")
            for who, cpu in at_first.items()
        ),
    ]


def _idle_latencies(place: Place, count: int) -> list[float]:
    """Seconds from just before the submit to the first line of user code, one run at a time."""
    latencies = []
    for number in range(count + 5):
        time.sleep(0.05)
        sent = time.time()
        place.submit()
        latencies.append(place.moments(number + 1)[-1] - sent)
    return latencies[5:]


def _cancel(place: Place) -> float:
    """Seconds from the call until the run's process is gone."""
    run_id = place.submit(NAP)
    until(lambda: place.client.run(run_id).started_at is not None)
    process = Path(f"/proc/{place.client.run(run_id).pid}")
    began = time.perf_counter()
    place.client.cancel_run(run_id)
    while process.exists():
        time.sleep(0.0005)
    return time.perf_counter() - began


def _shares(script: subprocess.Popen[bytes], place: Place) -> dict[str, float]:
    """Seconds of CPU by kind of process. Of the run processes: those that have ended."""
    runner = child_of(script.pid)
    spawner = child_of(runner)
    return {
        "the runner": cpu_seconds(runner),
        "the spawner, its forks": cpu_seconds(spawner),
        "the run processes": cpu_seconds_of_ended(spawner),
        "the server": cpu_seconds(place.server_pid()),
    }
