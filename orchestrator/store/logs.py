"""Logs of runs: a stream of batches, each some NDJSON lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from orchestrator.model.ids import RunId
from orchestrator.settings import LEVELS
from orchestrator.store import keys
from orchestrator.store.requests import Request, Word, as_word, command, for_run


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log."""

    at: float
    """Seconds since 1970."""
    level: str
    logger: str
    text: str
    attempt: int


_POSITION = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)


def is_position(text: str) -> bool:
    """Whether this can be the place of a batch in a log, or of an event in the feed."""
    return _POSITION.fullmatch(text) is not None


def append_log(run_id: RunId, token: str, lines: bytes, keep_ms: int) -> Request[Word]:
    """Add NDJSON lines: ``ok``, ``lease_lost`` (another attempt has begun) or ``gone``. Allowed
    after the end too, for the last lines of the last attempt."""
    return for_run(run_id, "append_log", as_word, token=token, lines=lines, keep_ms=keep_ms)


def read_log(
    run_id: RunId, after: str = "-", count: int = 1000
) -> Request[list[tuple[str, list[LogLine]]]]:
    """Up to ``count`` batches that follow entry ``after``, each with its entry id."""
    start = after if after == "-" else f"({after}"
    return command(batches_of, "XRANGE", keys.log(run_id), start, "+", "COUNT", count)


def reaches(level: str, least: str | None) -> bool:
    """Whether a line is of this level or above. A level that we do not know is shown: somebody
    made it for a reason."""
    if least is None or level not in LEVELS:
        return True
    return LEVELS.index(level) >= LEVELS.index(least)


def batches_of(reply: list[Any]) -> list[tuple[str, list[LogLine]]]:
    """The entries of a reply, each with its lines."""
    return [
        (entry, [_line(line) for line in fields[1].split("\n") if line]) for entry, fields in reply
    ]


def _line(text: str) -> LogLine:
    line = json.loads(text)
    # To the microsecond, as it goes through JSON everywhere: a float has digits beyond its clock.
    return LogLine(round(line["t"], 6), line["l"], line["n"], line["m"], line["a"])
