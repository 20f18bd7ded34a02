"""What a run process writes: split into lines, bounded, appended to the run's log in batches."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.model.serving import ServingSpec

from .contact import Contact
from .lines import Line, Splitter
from .overflow import Overflow

BATCH_BYTES = 64 * 1024
BATCH_SECONDS = 0.1
UNSENT_BYTES = 1024 * 1024
"""What one run may have waiting while the server is away."""
LAST_LINES = 30
"""In the error of a run that crashed: the stack that Python prints when C code crashes fits."""
FULL = "the log of this attempt is full"
AWAY = "the server did not answer"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of what one attempt prints is stored."""

    lines: int = 10_000
    line_bytes: int = 16 * 1024

    @property
    def last(self) -> int:
        """Of the lines, so many are the last ones, since people look for how a run ended. They
        come when it ends: few, so that a log which is nearly full is still live."""
        return min(self.lines // 10, 100)

    @property
    def first(self) -> int:
        """Of the lines, so many are stored as they come."""
        return self.lines - self.last


def limits_of(spec: ServingSpec) -> Limits:
    """As the serving script wants it."""
    return Limits(lines=spec.log_lines, line_bytes=spec.log_line_bytes)


class RunLog:
    """The log of one attempt on its way to the server."""

    def __init__(
        self,
        attempt: int,
        limits: Limits,
        batches: LogBatches,
        append: Callable[[bytes, Callable[[], None]], None],
    ) -> None:
        """``append`` stores lines, and calls back when they are stored."""
        self.resume: Callable[[], None] = _nothing_more
        """To be called when there is room again, after ``feed`` has said that there is none."""
        self._attempt, self._limits = attempt, limits
        self._batches, self._append = batches, append
        self._on_their_way = 0
        self._when_stored: Callable[[], None] = _nothing_more
        self._splitter = Splitter(limits.line_bytes)
        self._unsent: list[bytes] = []
        self._bytes = 0
        self._kept = 0
        self._overflow = Overflow(limits.last)
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def last_lines(self) -> list[str]:
        """What the run said last, for the error of one that crashed."""
        return list(self._last)

    def feed(self, data: bytes) -> bool:
        """Take a piece of output. False: more is to wait until ``resume`` is called.

        As long as the server answers, a run that prints faster than its lines are stored waits, in
        its own pipe. While the server is away it goes on, and what has no room is dropped.
        """
        self._add(self._splitter.feed(data, time.time()))
        return self._bytes < BATCH_BYTES or not self._batches.hold_back(self)

    def warn(self, text: str) -> None:
        """Add a line of ours."""
        self._add([Line(time.time(), "WARNING", "orchestrator", text)])

    def close(self, stored: Callable[[], None]) -> None:
        """No more will come: take what had no end of line, and the last lines of a full log.

        ``stored`` is called when the server has all of it. The outcome is written then, not in the
        same pipeline: a script that the server did not know yet is sent again after the others, and
        whoever sees that a run is over sees its whole log.
        """
        self._add(self._splitter.close(time.time()))
        self._keep_overflow()
        self._batches.forget(self)
        self._send()
        self._when_stored = stored
        if not self._on_their_way:
            stored()

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
        if self._bytes >= BATCH_BYTES:
            self.send()
        elif self._unsent:
            self._batches.want(self)
        elif not self._on_their_way:
            self._when_stored()
        if self._bytes < BATCH_BYTES:
            self._batches.let_go(self)

    def _add(self, lines: list[Line]) -> None:
        for line in lines:
            self._last.append(line.text)
            if not self._has_room:
                self._overflow.put(line)
                continue
            if not self._overflow.is_empty:
                self._keep_overflow()
            self._keep(line)
        if self._bytes >= BATCH_BYTES:
            self.send()
        elif self._unsent:
            self._batches.want(self)

    @property
    def _has_room(self) -> bool:
        """For one more line, after those that had to wait."""
        if self._kept + len(self._overflow) >= self._limits.first:
            return False
        return self._bytes < UNSENT_BYTES or not self._batches.is_server_away

    def _keep_overflow(self) -> None:
        is_full = self._kept + len(self._overflow) >= self._limits.first
        for line in self._overflow.take(FULL if is_full else AWAY):
            self._keep(line)

    def _keep(self, line: Line) -> None:
        self._kept += 1
        document = {"t": round(line.at, 6), "l": line.level, "n": line.logger, "m": line.text}
        stored = json.dumps({**document, "a": self._attempt}) + "\n"
        self._unsent.append(stored.encode())
        self._bytes += len(stored)


class LogBatches:
    """The common clock of all logs: what waits is sent once in 100 ms. And what they know together
    of the server: whether it is worth while to wait for it."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        contact.when_lost(self._let_all_go)
        self._held_back: dict[RunLog, None] = {}
        self._wanting: dict[RunLog, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_server_away(self) -> bool:
        """Whether it left the last question unanswered."""
        return self._contact.lost

    def hold_back(self, log: RunLog) -> bool:
        """``log`` wants no more lines for now; False: nothing would come of waiting."""
        if not self.is_server_away:
            self._held_back[log] = None
        return not self.is_server_away

    def let_go(self, log: RunLog) -> None:
        """``log`` has room again."""
        if log in self._held_back:
            del self._held_back[log]
            log.resume()

    def _let_all_go(self) -> None:
        for log in list(self._held_back):
            self.let_go(log)

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


def _nothing_more() -> None:
    """More lines may come."""
