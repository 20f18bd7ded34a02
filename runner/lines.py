"""Output of a run process taken apart into lines, however it was cut on its way. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.execution.pipe import FRAME, LONGEST_FRAME

RAW = "output"
"""The logger of lines that did not come through Python's logging."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, or one record of Python's logging."""

    at: float
    level: str
    logger: str
    text: str


class Splitter:
    """Turns pieces of output into lines."""

    def __init__(self, line_bytes: int) -> None:
        """A line beyond ``line_bytes`` becomes several."""
        self._most = line_bytes
        # Cut, a framed line would be no frame any more.
        self._longest_rest = max(line_bytes, LONGEST_FRAME)
        self._rest = b""

    def feed(self, data: bytes, at: float) -> list[Line]:
        """The lines that ``data`` completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [line for raw in whole for line in self._read(raw, at)]
        if len(self._rest) > self._longest_rest:
            *pieces, self._rest = _cut(self._rest, self._most)
            lines += [_plain(piece, at) for piece in pieces]
        return _in_time(lines)

    def close(self, at: float) -> list[Line]:
        """What came without an end of line."""
        rest, self._rest = self._rest, b""
        return list(self._read(rest, at)) if rest else []

    def _read(self, raw: bytes, at: float) -> Iterator[Line]:
        # A process that prints without a newline may stand before a frame on the same line.
        before, mark, framed = raw.partition(FRAME)
        record = _record(framed) if mark else None
        if record is None:
            before = raw
        if before or not mark:
            for piece in _cut(before.removesuffix(b"\r"), self._most):
                yield _plain(piece, at)
        if record is not None:
            for piece in _cut(record.text.encode(errors="replace"), self._most):
                yield replace(record, text=piece.decode(errors="replace"))


def _record(framed: bytes) -> Line | None:
    """The record in a frame, unless it was torn or only looks like one."""
    try:
        record = json.loads(framed)
        return Line(float(record["t"]), str(record["l"]), str(record["n"]), str(record["m"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _plain(raw: bytes, at: float) -> Line:
    return Line(at, "INFO", RAW, raw.decode(errors="replace"))


def _cut(raw: bytes, most: int) -> Iterator[bytes]:
    """Pieces of at most so many bytes; no character is torn. At least one piece."""
    while len(raw) > most:
        end = most
        while end > most - 4 and raw[end] & 0xC0 == 0x80:
            end -= 1
        end = end if raw[end] & 0xC0 != 0x80 else most  # no text at all
        yield raw[:end]
        raw = raw[end:]
    yield raw


def _in_time(lines: list[Line]) -> list[Line]:
    """The same lines in the same order, none later than a record that follows it.

    A raw line has the time at which it was read here; a record has its own, which is earlier.
    """
    for index in range(len(lines) - 2, -1, -1):
        if lines[index].logger == RAW and lines[index].at > lines[index + 1].at:
            lines[index] = replace(lines[index], at=lines[index + 1].at)
    return lines
