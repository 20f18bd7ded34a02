"""What a run's processes take together: memory and CPU, looked up while they run.

Only runs with a limit are looked at. A look costs a few system calls per process.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from orchestrator.execution import trees

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between looks: what can be allocated meanwhile is how far a run gets over its limit."""
_HURRIED_PAUSE = 0.005
"""The least of them, while the memory grows so fast that it would be over the limit soon."""
_SHARE = 10
"""A pause is so many times as long as the look before it took: where the tree is large, or the
kernel lists no children, looks are dear."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_RESIDENT = 1  # of the fields of statm
_CPU_TIMES = slice(11, 15)  # utime, stime, cutime, cstime; counted from the state in stat


@dataclass(slots=True, kw_only=True)
class Meter:
    """The limits of one run, and the most that was seen of it."""

    memory_limit: int | None = None
    """Bytes."""
    cpu_limit: float | None = None
    """Seconds."""
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    pause: float = 0.0
    """Seconds from the last look to the next."""
    taken: int = 0
    """Bytes, as the last look found them."""
    looked_at: float = 0.0
    """When it began; 0: never."""

    @classmethod
    def of(cls, memory_limit: int | None, cpu_limit: float | None) -> Meter | None:
        """None where nothing is limited: nobody looks."""
        if memory_limit is None and cpu_limit is None:
            return None
        return cls(memory_limit=memory_limit, cpu_limit=cpu_limit)

    def look(self, root: int) -> str | None:
        """The limit that ``root`` and all below it are over together, if any."""
        began, before = time.monotonic(), self.taken
        over = self._over([root, *trees.descendants_of(root)])
        took = time.monotonic() - began
        growth = (self.taken - before) / (began - self.looked_at) if self.looked_at else 0.0
        self.pause = pause_after(took, growth, (self.memory_limit or 0) - self.taken)
        self.looked_at = began
        return over

    def _over(self, pids: list[int]) -> str | None:
        if self.cpu_limit is not None:
            self.cpu_seconds = max(self.cpu_seconds, sum(map(_cpu_seconds, pids)))
            if self.cpu_seconds > self.cpu_limit:
                return "cpu_limit"
        if self.memory_limit is not None:
            self.taken = self._memory(pids, self.memory_limit)
            self.peak_bytes = max(self.peak_bytes, self.taken)
            if self.taken > self.memory_limit:
                return "memory_limit"
        return None

    def _memory(self, pids: list[int], limit: int) -> int:
        """Pages that several share count once for each, which is cheap to ask and too much; only
        when that is over the limit the kernel is asked for each one's part of them, and of no more
        processes than it takes to be over the limit: meanwhile a fork bomb goes on."""
        resident = sum(map(_resident_bytes, pids))
        if resident <= limit:
            return resident
        taken = 0
        for pid in pids:
            taken += _proportional_bytes(pid)
            if taken > limit:
                break
        return taken


def pause_after(took: float, growth: float, room: float) -> float:
    """Seconds from a look that took so long to the next, which comes before the room is used up if
    the memory goes on to grow like this (bytes per second), even where looks are dear: nobody makes
    them dearer than a fork bomb."""
    pause = min(max(SHORTEST_PAUSE, _SHARE * took), LONGEST_PAUSE)
    if growth <= 0:
        return pause
    return min(pause, max(room / growth / 2, took, _HURRIED_PAUSE))


def _resident_bytes(pid: int) -> int:
    text = _read(pid, "statm")
    return int(text.split()[_RESIDENT]) * _PAGE if text else 0


def _proportional_bytes(pid: int) -> int:
    try:
        text = _read(pid, "smaps_rollup")
    except PermissionError:  # a program with another user's rights
        return _resident_bytes(pid)
    for line in text.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0  # it has ended, and waits to be buried


def _cpu_seconds(pid: int) -> float:
    """Its own, and that of the children it has waited for."""
    # "pid (name) state ...", and a name may hold anything, brackets too.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return sum(map(int, fields[_CPU_TIMES])) / _TICK


def _read(pid: int, name: str) -> bytes:
    """A file of /proc about a process; empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
