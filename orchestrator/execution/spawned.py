"""One run as its spawner sees it: a process tree, its limits, and how far its end has come."""

from __future__ import annotations

import math
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from resource import struct_rusage

from orchestrator.execution import trees
from orchestrator.execution.metering import Meter
from orchestrator.execution.pipe import Message
from orchestrator.execution.starting import Started


@dataclass(slots=True, kw_only=True)
class Spawned:
    """Times are seconds since boot."""

    key: str
    process: Started
    grace: float
    timeout: float | None
    """What is left of it; frozen time does not count."""
    deadline: float | None
    """The lease may not be trusted after it; None once that has been acted on."""
    meter: Meter | None = None
    """For runs with a limit of memory or CPU."""
    look_at: float = 0.0
    """When the meter is to be read next."""
    counting_since: float | None = None
    begun: bool = False
    """Said of runs with a limit of time, memory or CPU only."""
    frozen_for: set[str] = field(default_factory=set)
    """Reasons to stand still: "lease", "person". Runs on only when there is none."""
    stopped: str | None = None
    """Why it was told to end."""
    kill_at: float | None = None
    killed: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def handle(self) -> int:
        return self.process.handle

    def begin(self, now: float) -> None:
        """User code starts: the timeout counts from here."""
        self.begun = True
        if not self.frozen_for:
            self.counting_since = now

    def freeze(self, reason: str, now: float) -> None:
        """Stand still, for one more reason."""
        if not self.frozen_for:
            trees.stop(self.pid, self.handle)
            self._stop_counting(now)
        self.frozen_for.add(reason)

    def thaw(self, reason: str, now: float) -> None:
        """One reason less; go on when it was the last."""
        if reason in self.frozen_for:
            self.frozen_for.remove(reason)
            if not self.frozen_for:
                self._go_on(now)

    def renew(self, deadline: float, now: float) -> None:
        """The lease may be trusted until then."""
        self.deadline = deadline
        if deadline > now:
            self.thaw("lease", now)

    def stop(self, reason: str, grace: float, now: float) -> None:
        """SIGTERM, then SIGKILL after ``grace``. Told twice: the first reason, the earlier end."""
        first = self.stopped is None
        self.stopped = self.stopped or reason
        if grace <= 0:
            self.kill()
            return
        self.kill_at = min(now + grace, self.kill_at or now + grace)
        if first:
            trees.terminate(self.pid, self.handle)
        if first or self.frozen_for:
            self.frozen_for.clear()
            self._go_on(now)  # a stopped process takes no SIGTERM, whoever has stopped it

    def kill(self) -> None:
        """SIGKILL for the run process; what it started then falls to the spawner, who kills it."""
        self.kill_at = None
        self.killed = True
        trees.send(self.handle, signal.SIGKILL)
        self.kill_group()

    def kill_group(self) -> None:
        """SIGKILL for whatever stayed in its process group: all at once, so that even a fork bomb
        makes no further process. The group is its own as long as nobody has waited for it (F34)."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, code: int, usage: struct_rusage) -> Message:
        """What is told of its end."""
        # The kernel knows the largest of its processes, and the CPU of those that were waited for;
        # the meter knows all of them together.
        peak, cpu = usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime
        meter = self.meter or Meter()
        return {
            "op": "ended",
            "key": self.key,
            "pid": self.pid,
            "exit": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "peak_bytes": max(peak, meter.peak_bytes),
            "cpu_seconds": max(cpu, meter.cpu_seconds),
            "stopped": self.stopped,
            "killed": self.killed,
        }

    def next_due(self) -> float:
        """When ``act`` must be called next; infinity: not before something else happens."""
        due = math.inf if self.deadline is None else self.deadline
        if self.kill_at is not None:
            due = min(due, self.kill_at)
        if (timeout_at := self._timeout_at()) is not None:
            due = min(due, timeout_at)
        if (look_at := self._look_at()) is not None:
            due = min(due, look_at)
        return due

    def act(self, now: float) -> None:
        """Do what is due."""
        if self.kill_at is not None and now >= self.kill_at:
            self.kill()
        timeout_at = self._timeout_at()
        if timeout_at is not None and now >= timeout_at:
            self.stop("timeout", self.grace, now)
        look_at = self._look_at()
        if look_at is not None and now >= look_at:
            self._look(now)
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            self.freeze("lease", now)

    def _timeout_at(self) -> float | None:
        if self.timeout is None or self.counting_since is None or self.stopped is not None:
            return None
        return self.counting_since + self.timeout

    def _look_at(self) -> float | None:
        stands = self.killed or not self.begun or self.frozen_for
        return None if self.meter is None or stands else self.look_at

    def _look(self, now: float) -> None:
        assert self.meter is not None
        over = self.meter.look(self.pid)
        self.look_at = now + self.meter.pause
        if over is not None:
            self.stop(over, 0.0, now)

    def _stop_counting(self, now: float) -> None:
        if self.counting_since is not None:
            if self.timeout is not None:
                self.timeout -= now - self.counting_since
            self.counting_since = None

    def _go_on(self, now: float) -> None:
        trees.resume(self.pid, self.handle)
        if self.begun:
            self.counting_since = now
