"""Orphans: children that this process has without having started them, as process 1 has."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 1.0


class Burial:
    """Waits for children that ended and that nobody else waits for: else they stay zombies."""

    def __init__(self, spared: Collection[int] = ()) -> None:
        """``spared`` are never waited for here."""
        self._spared = frozenset(spared)
        self._ended: set[int] = set()

    def look(self) -> None:
        """Bury those that had ended when it looked last. Whoever started a process asks how it
        ended, and at once: those are left to it."""
        forgotten = self._ended
        self._ended = {pid for pid in children() - self._spared if _has_ended(pid)}
        for pid in self._ended & forgotten:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def children() -> set[int]:
    """The children of this process, ended ones included."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return set()  # no such adoption on this system: its trees are killed by group
    found = (Path(task, "children").read_text().split() for task in tasks.iterdir())
    return {int(pid) for pids in found for pid in pids}


@contextmanager
def buried_by_process_1() -> Iterator[None]:
    """Inside, the orphans of a container are buried in the background, where this is its process 1
    (F70). What it has already started is left to whoever has started it."""
    if os.getpid() != 1:
        yield
        return
    burial, over = Burial(children()), threading.Event()

    def look() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            burial.look()

    gravedigger = threading.Thread(target=look, name="burying", daemon=True)
    gravedigger.start()
    try:
        yield
    finally:
        over.set()
        gravedigger.join()


def _has_ended(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] == b"Z"
    return False
