"""Processes left to the runner when a spawner dies: all of them are killed, none stays a zombie."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def adopt_orphans() -> None:
    """From now on descendants whose parents died become children of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


async def kill_strays(spared: Callable[[], AbstractSet[int]]) -> None:
    """Return when this process has no child but those to be spared, asked for each time.

    A killed process leaves its own children to us, so this goes round until nobody is left.
    """
    while strays := _children() - spared():
        for pid in strays:
            # Unwaited children of ours: the id cannot have been used anew.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not block
        await asyncio.sleep(0.005)


def _children() -> set[int]:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return set()  # no such adoption on this system: its trees are killed by group
    found = (Path(task, "children").read_text().split() for task in tasks.iterdir())
    return {int(pid) for pids in found for pid in pids}
