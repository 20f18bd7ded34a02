"""Processes left to the runner: by a spawner that died, all of which are killed, or by anybody,
where it is process 1 of a container. None stays a zombie."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from orchestrator.orphans import SECONDS_BETWEEN_LOOKS, Burial, children

_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def adopt_orphans() -> None:
    """From now on descendants whose parents died become children of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


async def kill_strays(spared: Callable[[], AbstractSet[int]]) -> None:
    """Return when this process has no child but those to be spared, asked for each time.

    A killed process leaves its own children to us, so this goes round until nobody is left.
    """
    while strays := children() - spared():
        for pid in strays:
            # Unwaited children of ours: the id cannot have been used anew.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not block
        await asyncio.sleep(0.005)


async def bury_strangers() -> None:
    """For ever: wait for children that nobody else waits for."""
    burial = Burial()
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        burial.look()
