"""Making run processes: by fork, or as a fresh interpreter where a fork is not safe."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

from orchestrator.execution.loading import LoadedFlow, Source
from orchestrator.execution.run_process import Equipment, Job, become_run

_FRESH = str(Path(__file__).with_name("fresh.py"))
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that the spawner leaves pending: it ends by ``quit`` or end of file, nothing else.

Blocked and not ignored: a signal to a process forked a moment ago then waits until that process
has its own dispositions, instead of being lost.
"""


@dataclass(frozen=True, slots=True)
class Started:
    """A new process; ``handle`` is its pidfd: signals never reach another (F33)."""

    pid: int
    handle: int
    alone: mmap | None = None
    """The byte by which it can say that it leaves nothing behind."""

    def close(self) -> None:
        """Give back what it holds."""
        os.close(self.handle)
        if self.alone is not None:
            self.alone.close()

    def left_nothing(self) -> bool:
        """Whether the process said at its end that it has no descendants."""
        return self.alone is not None and self.alone[0] == 1


def fork_run(flow: LoadedFlow, control: int, output: int, keep: Collection[int]) -> Started:
    """A copy of this process that runs the flow."""
    job = Job(control=control, output=output, load=lambda: flow)
    return fork((control, output, *keep), lambda: job)


def fork(keep: Collection[int], wait: Callable[[], Job | None]) -> Started:
    """A copy of this process, with these descriptors only, that runs what ``wait`` answers."""
    alone = mmap(-1, 1)
    spawner = os.getpid()
    pid = os.fork()
    if pid == 0:
        become_run(Equipment(spawner=spawner, keep=keep, alone=alone), wait)
    return Started(pid, _handle_of(pid), alone)


def start_fresh(
    source: Source, sys_path: list[str], log_level: str, control: int, output: int
) -> Started:
    """A new interpreter that loads the flow and runs it."""
    spec = os.memfd_create("run")
    try:
        place = {"sys_path": sys_path, "cwd": str(Path.cwd())}
        document = {"source": source, "log_level": log_level, **place}
        os.write(spec, json.dumps(document).encode())
        os.lseek(spec, 0, os.SEEK_SET)
        handed = (control, output, spec)
        for descriptor in handed:
            os.set_inheritable(descriptor, True)
        options = ["-P", "-B"] if sys.dont_write_bytecode else ["-P"]
        command = [sys.executable, *options, _FRESH, *map(str, handed), str(os.getpid())]
        pid = os.posix_spawn(sys.executable, command, os.environ, setsigmask=(), setsigdef=BLOCKED)
    finally:
        os.close(spec)
    return Started(pid, _handle_of(pid))


def _handle_of(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)  # our own child, not waited for: still itself
        os.waitpid(pid, 0)
        raise
