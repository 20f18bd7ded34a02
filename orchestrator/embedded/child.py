"""A process that is kept alive: started again when it dies, ever more slowly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.embedded.journal import open_log

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
PROVEN = 10.0
"""Seconds of life after which a death is a new matter, not the same failure again."""

_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next start."""

    delay: float = 0.0

    def after_life_of(self, seconds: float) -> float:
        """The wait after a process lived that long; doubles while they keep dying early."""
        if seconds >= PROVEN or not self.delay:
            self.delay = FIRST_DELAY
        else:
            self.delay = min(self.delay * 2, LONGEST_DELAY)
        return self.delay


@dataclass(slots=True, kw_only=True)
class Child:
    """One program, at most one process of it at a time, whose output goes to ``log``."""

    name: str
    command: Sequence[str]
    log: Path | None
    """None: our own output."""
    environment: Mapping[str, str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    status: int | None = None
    """How it ended the last time."""
    _born: float = 0.0
    _log_start: int = 0
    _backoff: Backoff = field(default_factory=Backoff)

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def age(self) -> float:
        """Seconds since its last start."""
        return time.monotonic() - self._born

    def is_due(self) -> bool:
        """It does not run, and the wait after its last death is over."""
        return self.process is None and time.monotonic() >= self.start_at

    def start(self, *descriptors: int) -> None:
        """Start it, handing down ``descriptors``; OSError when the system refuses."""
        self._born = time.monotonic()
        with nullcontext() if self.log is None else open_log(self.log) as log:
            self._log_start = 0 if log is None else log.tell()
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=None if log is None else subprocess.STDOUT,
                pass_fds=descriptors,
                start_new_session=True,  # Ctrl-C in the terminal is the guardian's alone to hear
                preexec_fn=_ending_with_parent(),  # noqa: PLW1509  # a guardian has one thread
            )

    def death(self) -> str:
        """How it died if it did since the last question, else ""; the next start is put off."""
        if self.process is None or self.process.poll() is None:
            return ""
        status, self.process = self.process.returncode, None
        self.status = status
        self.put_off()
        return f"the {self.name} {_ending(status)}{self._last_words()}"

    def put_off(self) -> None:
        """Let the next start wait, longer than after the last early death."""
        now = time.monotonic()
        self.start_at = now + self._backoff.after_life_of(now - self._born)

    def stop(self, patience: float) -> None:
        """SIGTERM, and SIGKILL when it is still there after ``patience`` seconds."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _last_words(self) -> str:
        """The last line that this process wrote: what servers and tracebacks end with."""
        if self.log is None:
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1]}" if said else ""


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with {status}"
    return f"was ended by {signal.Signals(-status).name}"


def _ending_with_parent() -> Callable[[], None] | None:
    """For Linux: SIGTERM to the child when its guardian is gone, so that it flushes and leaves."""
    if sys.platform != "linux":
        return None
    libc, guardian = ctypes.CDLL(None), os.getpid()

    def end_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != guardian:  # it died before the kernel knew what we want
            os._exit(1)

    return end_with_parent
