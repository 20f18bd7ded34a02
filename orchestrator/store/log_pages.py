"""A log in both directions, filtered where it lies: a page of lines, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import RunId
from orchestrator.store import keys
from orchestrator.store.logs import LogLine, batches_of, reaches, read_log
from orchestrator.store.requests import Plan, Request, command

BATCHES = 200
"""Read in one step."""

MOST_STEPS = 25
"""Steps that one page may take to find lines that are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLines:
    """Which lines are shown; None and the empty text stand for any."""

    level: str | None = None
    """This one and above."""
    text: str = ""
    """Part of the line, in any case of letters."""
    attempt: int | None = None

    def takes(self, line: LogLine) -> bool:
        """Whether the line is among those wanted."""
        return (
            reaches(line.level, self.level)
            and self.attempt in (None, line.attempt)
            and self.text.lower() in f"{line.logger} {line.text}".lower()
        )


Placed = tuple[str, LogLine]
"""A line with the entry of the stream that holds it."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines in their order; the entries between which they lie; whether there are more."""

    lines: tuple[Placed, ...]
    first: str
    last: str
    more: bool


def log_after(run_id: RunId, after: str, limit: int, wanted: WantedLines) -> Plan[LogPage]:
    """At least ``limit`` lines behind the entry ``after`` ("": the beginning), if there are."""
    lines: list[Placed] = []
    last = after
    for _ in range(MOST_STEPS):
        (batches,) = yield [read_log(run_id, last or "-", BATCHES)]
        for entry, found in batches:
            last = entry
            lines += [(entry, line) for line in found if wanted.takes(line)]
            if len(lines) >= limit:
                return LogPage(tuple(lines), lines[0][0], last, more=True)
        if len(batches) < BATCHES:
            return LogPage(tuple(lines), lines[0][0] if lines else after, last, more=False)
    return LogPage(tuple(lines), lines[0][0] if lines else after, last, more=True)


def log_before(run_id: RunId, before: str, limit: int, wanted: WantedLines) -> Plan[LogPage]:
    """At least ``limit`` lines before the entry ``before`` ("": the end), if there are."""
    pages: list[list[Placed]] = []
    first, last, count = before, "", 0
    for _ in range(MOST_STEPS):
        (batches,) = yield [_read_back(run_id, first or "+")]
        for entry, found in batches:
            first, last = entry, last or entry
            kept = [(entry, line) for line in found if wanted.takes(line)]
            pages.append(kept)
            count += len(kept)
            if count >= limit:
                return _back(pages, first, last, more=True)
        if len(batches) < BATCHES:
            return _back(pages, first, last, more=False)
    return _back(pages, first, last, more=True)


def _back(pages: list[list[Placed]], first: str, last: str, *, more: bool) -> LogPage:
    lines = tuple(each for page in reversed(pages) for each in page)
    return LogPage(lines, first, last, more)


def _read_back(run_id: RunId, before: str) -> Request[list[tuple[str, list[LogLine]]]]:
    end: Any = before if before == "+" else f"({before}"
    return command(batches_of, "XREVRANGE", keys.log(run_id), end, "-", "COUNT", BATCHES)
