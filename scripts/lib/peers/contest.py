"""The four questions that every contestant answers, in a round of its own.

    python -m peers.NAME METRIC --url URL --marks FILE

prints the values as one JSON list. The server is fresh and empty, nothing else uses it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

WARM, RUNS, SUBMITS, CANCELS = 3, 30, 500, 5


class Contestant(Protocol):
    """A task system with one function that ends at once and one that sleeps."""

    def command(self, slots: int) -> list[str]:
        """What starts its workers."""

    def is_ready(self) -> bool:
        """Whether a run that is submitted now starts at once."""

    def submit(self) -> Any:
        """One run of the function that ends at once."""

    def submit_many(self, count: int) -> None:
        """The same as its bulk call, or one by one where it has none."""

    def submit_sleeper(self) -> Any:
        """One run that sleeps; returns what ``cancel`` wants."""

    def cancel(self, run: Any) -> None:
        """End that run."""


def take_part(make: Callable[[str], Contestant]) -> None:
    """The command line of a contestant, made from the server's URL."""
    parser = argparse.ArgumentParser()
    parser.add_argument("metric", choices=sorted(METRICS))
    parser.add_argument("--url", required=True)
    parser.add_argument("--marks", required=True)
    parser.add_argument("--runs", type=int, required=True, help="of the throughput")
    chosen = parser.parse_args()
    os.environ["BENCH_MARKS"], os.environ["BENCH_URL"] = chosen.marks, chosen.url
    print(json.dumps(METRICS[chosen.metric](make(chosen.url), chosen.runs)))


def moments(count: int, seconds: float = 60) -> list[tuple[float, int]]:
    """When the measured functions began, and in which process: ``count`` of them, or as many as
    there are after ``seconds``."""
    marks, deadline = Path(os.environ["BENCH_MARKS"]), time.monotonic() + seconds
    while True:
        lines = marks.read_text().splitlines() if marks.exists() else []
        if len(lines) >= count or time.monotonic() > deadline:
            return sorted((float(at), int(pid)) for at, pid in map(str.split, lines))
        time.sleep(0.002)


@contextmanager
def working(contestant: Contestant, slots: int) -> Iterator[None]:
    """Its workers live, in a session of their own so that all of them end."""
    with Path(os.environ["BENCH_MARKS"] + ".log").open("ab") as log:
        process = subprocess.Popen(
            contestant.command(slots), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until_ready(contestant: Contestant) -> None:
    """Its workers wait for runs."""
    while not contestant.is_ready():
        time.sleep(0.05)


def latency(contestant: Contestant, _runs: int) -> list[float]:
    """Seconds from just before the submit to the first line, one run at a time, idle between."""
    found = []
    with working(contestant, slots=2):
        until_ready(contestant)
        for number in range(WARM + RUNS):
            time.sleep(0.1)
            sent = time.time()
            contestant.submit()
            found.append(moments(number + 1)[-1][0] - sent)
    return found[WARM:]


def throughput(contestant: Contestant, runs: int) -> list[float]:
    """Runs a second, all queued before the workers start: first to last beginning."""
    contestant.submit_many(runs)
    with working(contestant, slots=2):
        began = moments(runs)
    return [(len(began) - 1) / (began[-1][0] - began[0][0])]


def submit(contestant: Contestant, _runs: int) -> list[float]:
    """Submits a second by one client, one after the other."""
    contestant.submit()
    began = time.perf_counter()
    for _ in range(SUBMITS):
        contestant.submit()
    return [SUBMITS / (time.perf_counter() - began)]


def bulk(contestant: Contestant, _runs: int) -> list[float]:
    """Submits a second by the bulk call."""
    contestant.submit()
    began = time.perf_counter()
    contestant.submit_many(10 * SUBMITS)
    return [10 * SUBMITS / (time.perf_counter() - began)]


def cancel(contestant: Contestant, _runs: int) -> list[float]:
    """Seconds from the call until the run's process is gone."""
    found = []
    with working(contestant, slots=2):
        until_ready(contestant)
        for number in range(CANCELS):
            run = contestant.submit_sleeper()
            process = Path(f"/proc/{moments(number + 1)[-1][1]}")
            time.sleep(0.5)
            began = time.perf_counter()
            contestant.cancel(run)
            while process.exists():
                time.sleep(0.0005)
            found.append(time.perf_counter() - began)
            time.sleep(0.5)
    return found


METRICS: dict[str, Callable[[Contestant, int], list[float]]] = {
    "latency": latency,
    "throughput": throughput,
    "submit": submit,
    "bulk": bulk,
    "cancel": cancel,
}
