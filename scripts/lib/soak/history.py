"""What was asked and answered, and what went wrong on purpose: every event with begin and end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from orchestrator.model.errors import ServerUnavailable

T = TypeVar("T")

WALL_OFFSET_NS = time.time_ns() - time.monotonic_ns()
"""From CLOCK_MONOTONIC, which the witness uses, to the wall clock of records; one machine."""
PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something the harness did. Times are CLOCK_MONOTONIC in ns."""

    kind: str
    subject: str
    began: int
    """First sent: what happened before was not its doing."""
    ended: int
    """Answered: what happens from now on must respect it."""
    answer: str = ""
    tries: int = 1
    pids: tuple[int, ...] = ()
    """Run processes that it hit."""

    @property
    def began_ms(self) -> float:
        return wall_ms(self.began)

    @property
    def ended_ms(self) -> float:
        return wall_ms(self.ended)


def wall_ms(monotonic_ns: int) -> float:
    """The same instant as records give it."""
    return (monotonic_ns + WALL_OFFSET_NS) / 1e6


def monotonic_ns(wall_ms: float) -> int:
    """The instant of a record as the witness gives it."""
    return int(wall_ms * 1e6) - WALL_OFFSET_NS


@dataclass
class History:
    """All events; for any thread. The file has one JSON document a line, in order of their ends."""

    path: Path
    events: list[Event] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: Event) -> None:
        with self._lock, self.path.open("a") as file:
            self.events.append(event)
            file.write(json.dumps(asdict(event)) + "\n")

    def ask(self, kind: str, subject: str, call: Callable[[], T], answer: Callable[[T], str]) -> T:
        """Ask until there is an answer; what the server refuses is raised and not noted."""
        began, tries = time.monotonic_ns(), 1
        while True:
            try:
                result = call()
            except ServerUnavailable:
                tries += 1
                time.sleep(PAUSE_SECONDS)
            else:
                break
        self.add(
            Event(
                kind=kind,
                subject=subject,
                began=began,
                ended=time.monotonic_ns(),
                answer=answer(result),
                tries=tries,
            )
        )
        return result
