"""The questions that every contestant answers, each in a round of its own.

    python -m peers.NAME METRIC --url URL --marks FILE

prints the values, by what they are values of, as one JSON object. The server is fresh and empty,
nothing else uses it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from peers.machine import commands, cpu_seconds, memory_mib, tree
from peers.workers import working

WARM, CANCELS, STARTS = 3, 5, 5
IDLE_SECONDS = 60.0
SETTLE_SECONDS = 5.0
LAG_LIMIT_SECONDS = 120.0
CRASH_LIMIT_SECONDS = 75.0
"""Who has not begun again by then is said to need more."""

Answers = dict[str, list[float]]


class Contestant(Protocol):
    """A task system with one function that ends at once and one that sleeps."""

    ready: str
    """What its workers log when they wait for runs."""

    def command(self, slots: int) -> list[str]:
        """What starts its workers."""

    def scheduling(self) -> list[list[str]]:
        """What must run beside the workers for BENCH_CRONS schedules of BENCH_CRON_LINE."""

    def queued(self) -> list[float]:
        """When each scheduled run came into the queue; none where there is no queue between."""

    def submit(self) -> Any:
        """One run of the function that ends at once."""

    def submit_each(self, count: int) -> None:
        """As many, one call after the other."""

    def submit_many(self, count: int) -> None:
        """The same as its bulk call, or one by one where it has none."""

    def submit_sleeper(self) -> Any:
        """One run that sleeps; returns what ``cancel`` wants."""

    def cancel(self, run: Any) -> None:
        """End that run."""


@dataclass(frozen=True)
class Sizes:
    """How much of each is asked of this one."""

    url: str
    runs: int
    times: int
    gap: float
    submits: int
    crons: int
    lead: float


def take_part(make: Callable[[str], Contestant]) -> None:
    """The command line of a contestant, made from the server's URL."""
    parser = argparse.ArgumentParser()
    parser.add_argument("metric", choices=sorted(METRICS))
    parser.add_argument("--url", required=True)
    parser.add_argument("--marks", required=True)
    parser.add_argument("--runs", type=int, default=300, help="of the throughput")
    parser.add_argument("--times", type=int, default=30, help="starts whose latency is taken")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between them, at most")
    parser.add_argument("--submits", type=int, default=500)
    parser.add_argument("--crons", type=int, default=20, help="schedules of one instant")
    parser.add_argument("--lead", type=float, default=8.0, help="seconds before it, at least")
    chosen = parser.parse_args()
    os.environ["BENCH_MARKS"], os.environ["BENCH_URL"] = chosen.marks, chosen.url
    chosen_sizes = {name: getattr(chosen, name) for name in Sizes.__dataclass_fields__}
    sizes = Sizes(**chosen_sizes)
    print(json.dumps(METRICS[chosen.metric](make(chosen.url), sizes)))


def moments(count: int, seconds: float = 60) -> list[tuple[float, int]]:
    """When the measured functions began, and in which process: ``count`` of them, or as many as
    there are after ``seconds``."""
    marks, deadline = Path(os.environ["BENCH_MARKS"]), time.monotonic() + seconds
    while True:
        lines = marks.read_text().splitlines() if marks.exists() else []
        if len(lines) >= count or time.monotonic() > deadline:
            return sorted((float(at), int(pid)) for at, pid in map(str.split, lines))
        time.sleep(0.002)


def latency(contestant: Contestant, sizes: Sizes) -> Answers:
    """Seconds from just before the submit to the first line, one run at a time, idle between."""
    found = []
    with working(contestant, slots=2) as workers:
        workers.wait_ready()
        for number in range(WARM + sizes.times):
            # At random, so that who polls is met at any phase.
            time.sleep(0.1 + random.uniform(0, sizes.gap))
            sent = time.time()
            contestant.submit()
            found.append(moments(number + 1)[-1][0] - sent)
    return {"": found[WARM:]}


def throughput(contestant: Contestant, sizes: Sizes) -> Answers:
    """Runs a second, all queued before the workers start: first to last beginning."""
    contestant.submit_many(sizes.runs)
    with working(contestant, slots=2):
        began = moments(sizes.runs)
    return {"": [(len(began) - 1) / (began[-1][0] - began[0][0])]}


def submit(contestant: Contestant, sizes: Sizes) -> Answers:
    """Submits a second by one client, one after the other."""
    contestant.submit()
    began = time.perf_counter()
    contestant.submit_each(sizes.submits)
    return {"": [sizes.submits / (time.perf_counter() - began)]}


def bulk(contestant: Contestant, sizes: Sizes) -> Answers:
    """Submits a second by the bulk call."""
    contestant.submit()
    began = time.perf_counter()
    contestant.submit_many(10 * sizes.submits)
    return {"": [10 * sizes.submits / (time.perf_counter() - began)]}


def cancel(contestant: Contestant, _: Sizes) -> Answers:
    """Seconds from the call until the run's process is gone."""
    found = []
    with working(contestant, slots=2) as workers:
        workers.wait_ready()
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
    return {"": found}


def lag(contestant: Contestant, sizes: Sizes) -> Answers:
    """Many schedules of one instant, a whole minute: seconds after it until the last run was
    queued, until the middle one and the last one began; nothing of what was not seen in time."""
    due = (int(time.time() + sizes.lead + sizes.crons / 50) // 60 + 1) * 60
    at = time.gmtime(due)
    os.environ["BENCH_CRONS"] = str(sizes.crons)
    os.environ["BENCH_CRON_LINE"] = f"{at.tm_min} {at.tm_hour} * * *"
    with working(contestant, slots=2, beside=contestant.scheduling()):
        time.sleep(max(0.0, due - time.time()))
        began = [moment - due for moment, _ in moments(sizes.crons, LAG_LIMIT_SECONDS)]
        queued = [moment - due for moment in contestant.queued()]
    return {
        "last queued": [max(queued)] if queued else [],
        "median began": began[sizes.crons // 2 :][:1],
        "last began": began[sizes.crons - 1 :],
    }


def crash(contestant: Contestant, _: Sizes) -> Answers:
    """Seconds from the SIGKILL of a worker and of all that it started, in mid-run, until the run
    begins again in the other worker that lives. Nothing: not within the limit."""
    with working(contestant, slots=1) as first:
        first.wait_ready()
        contestant.submit_sleeper()
        moments(1)
        with working(contestant, slots=1) as second:
            second.wait_ready()
            time.sleep(1)
            struck = time.time()
            first.kill()
            again = moments(2, CRASH_LIMIT_SECONDS)[1:]
    return {"": [moment - struck for moment, _ in again]}


def idle(contestant: Contestant, sizes: Sizes) -> Answers:
    """What its workers cost without work; no commands of who has a server of its own."""
    with working(contestant, slots=2) as workers:
        workers.wait_ready()
        time.sleep(SETTLE_SECONDS)
        before = commands(sizes.url), cpu_seconds(workers.pid)
        time.sleep(IDLE_SECONDS)
        spent = commands(sizes.url) - before[0] - 2, cpu_seconds(workers.pid) - before[1]
        memory = sum(map(memory_mib, tree(workers.pid)))
    return {
        "server commands": [spent[0] / IDLE_SECONDS] if spent[0] else [],
        "CPU": [spent[1] / IDLE_SECONDS * 1e3],
        "memory (PSS)": [memory],
    }


def cold(contestant: Contestant, _: Sizes) -> Answers:
    """Seconds from the start of the worker's command until it waits for runs, and until the first
    line of a run that waited."""
    ready, first = [], []
    for number in range(STARTS):
        with working(contestant, slots=2) as workers:
            ready.append(workers.wait_ready())
            time.sleep(0.5)
        contestant.submit()
        with working(contestant, slots=2) as workers:
            first.append(moments(number + 1)[-1][0] - workers.started_at)
            time.sleep(0.5)
    return {"ready": ready, "first line": first}


METRICS: dict[str, Callable[[Contestant, Sizes], Answers]] = {
    "latency": latency,
    "throughput": throughput,
    "submit": submit,
    "bulk": bulk,
    "cancel": cancel,
    "lag": lag,
    "crash": crash,
    "idle": idle,
    "cold": cold,
}
