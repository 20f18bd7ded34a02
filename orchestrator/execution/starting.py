"""Making run processes: by fork, or as a fresh interpreter where a fork is not safe."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Collection
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

from orchestrator.execution.loading import LoadedFlow, Source
from orchestrator.execution.run_process import Equipment, become_run

_FRESH = str(Path(__file__).with_name("fresh.py"))
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that the spawner leaves pending: it ends by ``quit`` or end of file, nothing else.

Blocked and not ignored: a signal to a process forked a moment ago then waits until that process
has its own dispositions, instead of being lost.
"""


@dataclass(frozen=True, slots=True)
class Started:
    """A new process, and the byte by which it can say that it leaves nothing behind."""

    pid: int
    alone: mmap | None


def fork_run(flow: LoadedFlow, control: int, output: int, keep: Collection[int]) -> Started:
    """A copy of this process that runs the flow."""
    alone = mmap(-1, 1)
    spawner = os.getpid()
    pid = os.fork()
    if pid == 0:
        equipment = Equipment(
            control=control, output=output, spawner=spawner, keep=keep, alone=alone
        )
        become_run(equipment, lambda: flow)
    return Started(pid, alone)


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
        command = [sys.executable, "-P", _FRESH, *map(str, handed), str(os.getpid())]
        pid = os.posix_spawn(sys.executable, command, os.environ, setsigmask=(), setsigdef=BLOCKED)
    finally:
        os.close(spec)
    return Started(pid, None)
