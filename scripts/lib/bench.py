"""The benchmark behind ``scripts/bench``.

Every figure of the product stands beside a limit of the machine that was measured in the same run:
fork and exit of a process, a round trip to the server. Nothing is a test: no figure fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator import Client
from orchestrator.embedded import stop_server
from orchestrator.settings import load_settings

HERE = Path(__file__).resolve().parent
DEPLOYMENT = "mark/bench"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One row: what, how much, and beside which limit."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""

    def row(self) -> str:
        beside = f"{self.value / self.limit:.2f} of {self.limit_name}" if self.limit else ""
        return f"| {self.name} | {self.value:,.2f} {self.unit} | {beside} |"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=2000, help="runs of the throughput figure")
    arguments.add_argument("--json", type=Path, help="write the figures there too")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, home(Path(folder)) as client:
        figures = measure(client, Path(folder), chosen.runs)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}\n")
    print("| | figure | beside the machine |\n| --- | --- | --- |")
    for figure in figures:
        print(figure.row())
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1))
    return 0


@contextmanager
def home(folder: Path) -> Iterator[Client]:
    """A fresh home with its embedded server; everything is gone afterwards."""
    os.environ["ORCHESTRATOR_HOME"] = str(folder)
    os.environ.pop("ORCHESTRATOR_REDIS_URL", None)
    with Client() as client:
        try:
            yield client
        finally:
            stop_server(load_settings())


def measure(client: Client, folder: Path, runs: int) -> list[Figure]:
    marks = folder / "marks"
    with serving(folder, client, limit=2) as runner:
        ping = rate(client.server_facts, 0.5)
        bare = rate(fork_and_wait, 1.0)
        latencies = idle_latencies(client, marks, count=50)
        alone = rate(lambda: create(client, marks), 1.0)
        wait_until_idle(client)
        idle = idle_commands(client, seconds=10)
        del runner
    marks.unlink()
    began = time.perf_counter()
    client.create_runs([(DEPLOYMENT, {"path": str(marks)})] * runs)
    bulk = runs / (time.perf_counter() - began)
    before = commands_of(client)
    with serving(folder, client, limit=8) as runner:
        counted = len(wait_for_marks(marks, min(20, runs - 1)))
        at_first = shares(runner.pid, client)
        moments = wait_for_marks(marks, runs)
        at_last = shares(runner.pid, client)
        wait_until_idle(client)
    commands = commands_of(client) - before
    isolated = (runs - 1) / (moments[-1] - moments[0])
    return [
        Figure("server round trips, one client", ping, "per s"),
        Figure("fork, exit and wait, bare Python", bare, "per s"),
        Figure("idle start latency, median", statistics.median(latencies) * 1e3, "ms"),
        Figure("idle start latency, p95", quantile(latencies, 0.95) * 1e3, "ms"),
        Figure("isolated runs", isolated, "per s", bare, "fork limit"),
        Figure("server commands per run, those in scripts counted", commands / runs, ""),
        *(
            Figure(f"CPU of {who}", (at_last[who] - cpu) / (runs - counted) * 1e3, "ms per run")
            for who, cpu in at_first.items()
        ),
        Figure("server commands, idle: one deployment and the scheduler", idle, "per s"),
        Figure("submit, one at a time", alone, "per s", ping, "round trips"),
        Figure("submit, in bulk", bulk, "per s"),
    ]


@contextmanager
def serving(folder: Path, client: Client, limit: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "serve.log").open("ab") as log:
        script = subprocess.Popen(
            [sys.executable, str(HERE / "bench_flows.py"), str(limit)], stdout=log, stderr=log
        )
    try:
        until(lambda: any(d.runners for d in client.deployments()))
        yield script
    finally:
        script.send_signal(signal.SIGTERM)
        script.wait()


def create(client: Client, marks: Path) -> None:
    client.create_run(DEPLOYMENT, {"path": str(marks)})


def idle_latencies(client: Client, marks: Path, count: int) -> list[float]:
    """Seconds from just before the submit to the first line of user code, one run at a time."""
    latencies = []
    for number in range(count + 5):
        time.sleep(0.05)
        sent = time.time()
        create(client, marks)
        latencies.append(wait_for_marks(marks, number + 1)[-1] - sent)
    return latencies[5:]


def wait_for_marks(marks: Path, count: int) -> list[float]:
    until(lambda: marks.exists() and marks.stat().st_size >= 18 * count)
    return sorted(map(float, marks.read_text().split()))


def wait_until_idle(client: Client) -> None:
    until(lambda: all(run.is_final for run in client.runs(limit=100_000)))


def until(fact: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.002)


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls per second, one after the other."""
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        call()
        count += 1
    return count / spent


def fork_and_wait() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def child_of(pid: int) -> int:
    """The first process that it has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def shares(script: int, client: Client) -> dict[str, float]:
    """Seconds of CPU by kind of process. Of the run processes: those that have ended."""
    runner = child_of(script)
    spawner = child_of(runner)
    return {
        "the runner": cpu_seconds(runner),
        "the spawner, its forks": cpu_seconds(spawner),
        "the run processes": cpu_seconds_of_ended(spawner),
        "the server": cpu_seconds(server_pid(client)),
    }


def cpu_seconds(pid: int) -> float:
    """User and system time of the process itself."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def cpu_seconds_of_ended(pid: int) -> float:
    """User and system time of the children that the process has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / TICKS


def idle_commands(client: Client, seconds: float) -> float:
    """Commands per second while nothing is to be done."""
    before = commands_of(client)
    time.sleep(seconds)
    return (commands_of(client) - before) / seconds


def commands_of(client: Client) -> int:
    """Commands the server has executed, those inside scripts counted."""
    return int(client.server_facts()["total_commands_processed"])


def server_pid(client: Client) -> int:
    return int(client.server_facts()["process_id"])


if __name__ == "__main__":
    raise SystemExit(main())
