"""What a run process writes: split into lines, bounded, appended to the run's log in batches."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LINE_BYTES = 16 * 1024
"""A longer line is cut into several; run processes keep framed lines shorter than this."""
LINES_OF_A_RUN = 10_000
"""Lines kept of one attempt; the rest is counted."""
BATCH_BYTES = 64 * 1024
BATCH_SECONDS = 0.1
UNSENT_BYTES = 1024 * 1024
"""What one run may have waiting while the server is away."""
LAST_LINES = 10
FRAME = b"\x1e"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, or one record of Python's logging."""

    at: float
    level: str
    logger: str
    text: str


class Splitter:
    """Turns pieces of output into lines, however they were cut on their way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, at: float) -> list[Line]:
        """The lines that ``data`` completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [line for raw in whole for line in _read(raw, at)]
        if len(self._rest) > LINE_BYTES:
            cut = len(self._rest) // LINE_BYTES * LINE_BYTES
            lines += _plain(self._rest[:cut], at)
            self._rest = self._rest[cut:]
        return lines

    def close(self, at: float) -> list[Line]:
        """What came without an end of line."""
        rest, self._rest = self._rest, b""
        return _read(rest, at) if rest else []


def _read(raw: bytes, at: float) -> list[Line]:
    # A process that prints without a newline may stand before a frame on the same line.
    before, frame, framed = raw.partition(FRAME)
    if not frame:
        return _plain(raw, at)
    try:
        record = json.loads(framed)
        level, logger = str(record["l"]), str(record["n"])
        pieces = _pieces(str(record["m"]).encode(errors="replace"))
        lines = [Line(float(record["t"]), level, logger, piece) for piece in pieces]
    except (ValueError, KeyError, TypeError):
        return _plain(raw, at)
    return [*(_plain(before, at) if before else []), *lines]


def _plain(raw: bytes, at: float) -> list[Line]:
    return [Line(at, "INFO", "output", piece) for piece in _pieces(raw.removesuffix(b"\r"))]


def _pieces(raw: bytes) -> list[str]:
    cuts = range(0, max(len(raw), 1), LINE_BYTES)
    return [raw[cut : cut + LINE_BYTES].decode(errors="replace") for cut in cuts]


class RunLog:
    """The log of one attempt on its way to the server."""

    def __init__(
        self, attempt: int, batches: LogBatches, append: Callable[[bytes, Callable[[], None]], None]
    ) -> None:
        """``append`` stores lines, and calls back when they are stored."""
        self._attempt, self._batches, self._append = attempt, batches, append
        self._on_their_way = 0
        self._splitter = Splitter()
        self._unsent: list[bytes] = []
        self._bytes = 0
        self._kept = self._dropped = 0
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def last_lines(self) -> list[str]:
        """What the run said last, for the error of one that crashed."""
        return list(self._last)

    def feed(self, data: bytes) -> None:
        """Take a piece of output."""
        self._add(self._splitter.feed(data, time.time()))

    def close(self) -> None:
        """No more will come: take what had no end of line, and say what was dropped."""
        now = time.time()
        self._add(self._splitter.close(now))
        if self._dropped:
            text = f"{self._dropped} lines were dropped: the log of this attempt was full"
            self._keep(Line(now, "WARNING", "orchestrator", text))
        self._batches.forget(self)
        self._send()

    def send(self) -> None:
        """Send the lines that wait, unless others are still on their way: while the server is
        away they gather here, where they are counted."""
        self._batches.forget(self)
        if not self._on_their_way:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            batch, self._unsent, self._bytes = b"".join(self._unsent), [], 0
            self._on_their_way += 1
            self._append(batch, self._stored)

    def _stored(self) -> None:
        self._on_their_way -= 1
        if self._unsent:
            self._batches.want(self)

    def _add(self, lines: list[Line]) -> None:
        for line in lines:
            self._last.append(line.text)
            if self._kept >= LINES_OF_A_RUN or self._bytes >= UNSENT_BYTES:
                self._dropped += 1
            else:
                self._keep(line)
        if self._bytes >= BATCH_BYTES:
            self.send()
        elif self._unsent:
            self._batches.want(self)

    def _keep(self, line: Line) -> None:
        self._kept += 1
        document: dict[str, Any] = {"t": round(line.at, 6), "l": line.level, "n": line.logger}
        stored = json.dumps({**document, "m": line.text, "a": self._attempt}) + "\n"
        self._unsent.append(stored.encode())
        self._bytes += len(stored)


class LogBatches:
    """The common clock of all logs: what waits is sent once in 100 ms."""

    def __init__(self) -> None:
        self._wanting: dict[RunLog, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def want(self, log: RunLog) -> None:
        """``log`` has lines to send soon."""
        self._wanting[log] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._send_all)

    def forget(self, log: RunLog) -> None:
        """``log`` has none any more."""
        self._wanting.pop(log, None)

    def _send_all(self) -> None:
        self._timer = None
        for log in list(self._wanting):
            log.send()
