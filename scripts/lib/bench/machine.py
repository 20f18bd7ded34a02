"""What the machine itself allows, and what processes have used of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls per second, one after the other."""
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        call()
        count += 1
    return count / spent


_FORKS = """
import os, time
import orchestrator
began, count = time.perf_counter(), 0
while (spent := time.perf_counter() - began) < 1.0:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    count += 1
print(count / spent)
"""


def fork_rate() -> float:
    """Forks a second, one after the other, of a process that has imported what a spawner has, each
    of which does nothing at all."""
    answer = subprocess.run([sys.executable, "-c", _FORKS], stdout=subprocess.PIPE, check=True)
    return float(answer.stdout)


def until(fact: Callable[[], bool], seconds: float = 300, pause: float = 0.002) -> None:
    """Wait for a fact, asking again after each ``pause``. TimeoutError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(pause)


def busy_cores(seconds: float) -> float:
    """How many cores all processes together keep busy, the benchmark doing nothing."""
    idle = _idle_seconds()
    time.sleep(seconds)
    return (os.cpu_count() or 1) - (_idle_seconds() - idle) / seconds


def _idle_seconds() -> float:
    """Of all cores since the start of the machine; waiting for a disk counts as idle."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / _TICKS


def child_of(pid: int) -> int:
    """The first process that it has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def cpu_seconds(pid: int) -> float:
    """User and system time of the process itself."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def cpu_seconds_of_ended(pid: int) -> float:
    """User and system time of the children that the process has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / _TICKS


def memory_mib(pid: int) -> float:
    """What would be free without the process: pages that it shares count in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
