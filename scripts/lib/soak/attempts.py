"""The witness's files read back: attempts with their instants."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """One line. Times are CLOCK_MONOTONIC in ns."""

    run_id: str
    token: str
    attempt: int
    pid: int
    kind: str
    at: int
    detail: str = ""


@dataclass
class Attempt:
    """Everything that was executed under one token of a run."""

    run_id: str
    token: str
    number: int
    marks: list[Mark] = field(default_factory=list)

    @property
    def begins(self) -> list[Mark]:
        return [mark for mark in self.marks if mark.kind == "begin"]

    @property
    def began(self) -> int:
        return min(mark.at for mark in self.marks)

    @property
    def ended(self) -> int | None:
        """When it said that it ended; None when it never could."""
        ends = [mark.at for mark in self.marks if mark.kind == "end"]
        return max(ends) if ends else None

    @property
    def epoch(self) -> int:
        return int(self.token.partition(".")[0])

    @property
    def pid(self) -> int:
        """Of the run process."""
        return self.marks[0].pid

    def marks_after(self, instant: int) -> list[Mark]:
        return [mark for mark in self.marks if mark.at > instant]

    @property
    def conflicts(self) -> list[Mark]:
        """The lock was held by processes that were not all stopped."""
        return [mark for mark in self.marks if mark.kind == "held" and _executes(mark.detail)]


def _executes(detail: str) -> bool:
    return any(state not in ("T", "stopping", "dying") for state in json.loads(detail))


def read_marks(path: Path) -> Iterator[Mark]:
    """The marks in the order written. A line that a kill cut short is left out."""
    for line in path.read_text().splitlines():
        words = line.split("\t")
        if len(words) == 7:
            run_id, token, attempt, pid, kind, at, detail = words
            yield Mark(run_id, token, int(attempt), int(pid), kind, int(at), detail)


def attempts_of(marks: Iterable[Mark]) -> dict[str, list[Attempt]]:
    """The attempts of each run, in the order in which they began."""
    found: dict[tuple[str, str], Attempt] = {}
    for mark in marks:
        key = (mark.run_id, mark.token)
        found.setdefault(key, Attempt(mark.run_id, mark.token, mark.attempt)).marks.append(mark)
    runs: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(found.values(), key=lambda attempt: attempt.began):
        runs[attempt.run_id].append(attempt)
    return dict(runs)


def pairs(attempts: list[Attempt]) -> Iterator[tuple[Attempt, Attempt]]:
    """Each attempt with each that began after it."""
    return combinations(attempts, 2)
