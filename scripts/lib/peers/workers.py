"""The workers of a contestant, while they are needed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from peers.machine import tree

READY_SECONDS = 120.0


class Startable(Protocol):
    """What can be started."""

    ready: str

    def command(self, slots: int) -> list[str]: ...


@dataclass(frozen=True)
class Workers:
    """One worker process, or the parent of several."""

    process: subprocess.Popen[bytes]
    log: Path
    ready: str
    began_at_byte: int
    started_at: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_ready(self) -> float:
        """Seconds from their start until their log said that they wait for runs."""
        while self.ready.encode() not in self.log.read_bytes()[self.began_at_byte :]:
            if time.time() - self.started_at > READY_SECONDS or self.process.poll() is not None:
                raise RuntimeError(f"no {self.ready!r} in {self.log}:\n{self.log.read_text()}")
            time.sleep(0.002)
        return time.time() - self.started_at

    def kill(self) -> None:
        """All processes of them at once; stopped first, so that none sees another's end."""
        processes = tree(self.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in processes:
                os.kill(pid, number)
        self.process.wait()


@contextmanager
def working(
    contestant: Startable, slots: int, beside: Sequence[Sequence[str]] = ()
) -> Iterator[Workers]:
    """Its workers live, and the commands beside them."""
    with ExitStack() as stack:
        for command in beside:
            stack.enter_context(_started(command, ""))
        yield stack.enter_context(_started(contestant.command(slots), contestant.ready))


@contextmanager
def _started(command: Sequence[str], ready: str) -> Iterator[Workers]:
    """In a session of its own, so that all of it ends."""
    log = Path(os.environ["BENCH_MARKS"] + ".log")
    began = log.stat().st_size if log.exists() else 0
    at = time.time()
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        yield Workers(process, log, ready, began, at)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
