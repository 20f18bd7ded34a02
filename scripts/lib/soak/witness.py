"""What really ran, told by the flows themselves to files: no record can hide it.

Each mark is one line, written in one piece: run, token, attempt, pid, kind, CLOCK_MONOTONIC in ns,
detail. Besides, whoever executes a run holds a lock across its forks; the lock's file names every
holder, so that the next one can tell a stopped holder from one that executes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import current_run

FOLDER = "SOAK_WITNESS"
"""The variable that names the folder of the witness."""
TICK_SECONDS = 0.02
_EXITING, _KILL, _STOP = 0x4, 1 << 8, 1 << 18
"""The kernel's flag of a process that is exiting; SIGKILL and SIGSTOP in a mask of signals."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The marks of one attempt."""

    folder: Path
    run_id: str
    token: str
    attempt: int

    def begin(self) -> None:
        """User code begins here; nobody else may be executing this run."""
        self.mark("begin")
        lock = self.folder / "locks" / self.run_id
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.mark("held", json.dumps(holders(lock)))
        # Left open: the lock lasts until the last process that inherits it is gone.
        self.join()

    def join(self) -> None:
        """This process executes the run, too."""
        with (self.folder / "locks" / self.run_id).open("a") as names:
            names.write(f"{os.getpid()} {_started(os.getpid())}\n")

    def work(self, seconds: float) -> None:
        """Execute for so long, saying so all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.mark("tick")
            time.sleep(TICK_SECONDS)

    def mark(self, kind: str, detail: str = "") -> None:
        now = time.monotonic_ns()
        words = [self.run_id, self.token, str(self.attempt), str(os.getpid()), kind, str(now)]
        with (self.folder / "marks").open("ab", buffering=0) as file:
            file.write(("\t".join([*words, detail]) + "\n").encode())


@contextmanager
def witnessed() -> Iterator[Witness]:
    """Mark the begin and the end of the attempt that executes this."""
    run = current_run()
    witness = Witness(Path(os.environ[FOLDER]), run.id, run.fencing_token, run.attempt)
    witness.begin()
    try:
        yield witness
    finally:
        witness.mark("end")


def holders(lock: Path) -> list[str]:
    """The state of every process that may hold the lock; those that are gone are left out.

    ``T`` is stopped, ``dying`` and ``stopping`` have the signal already and execute nothing more.
    """
    states = []
    for line in lock.read_text().splitlines():
        pid, started = line.split()
        if _started(int(pid)) == started:
            states.append(_state(int(pid)))
    return [state for state in states if state]


def _started(pid: int) -> str:
    return _stat(pid)[19] if _stat(pid) else ""


def _state(pid: int) -> str:
    fields = _stat(pid)
    if not fields or fields[0] in "ZX":
        return ""
    pending = _pending(pid)
    if int(fields[6]) & _EXITING or pending & _KILL:
        return "dying"
    return "stopping" if pending & _STOP else fields[0]


def _stat(pid: int) -> list[str]:
    """The fields behind the name; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _pending(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return _KILL
    masks = [line.split()[1] for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return int(masks[0], 16) | int(masks[1], 16)
