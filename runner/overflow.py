"""What a log has no room for: its last lines wait here, the others are counted. Pure."""

from __future__ import annotations

from collections import deque

from .lines import Line

MOST_BYTES = 1024 * 1024


class Overflow:
    """The last lines of those that were put in, within limits, and how many others there were."""

    def __init__(self, most_lines: int) -> None:
        self._most = most_lines
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._dropped = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def is_empty(self) -> bool:
        return not (self._lines or self._dropped)

    def put(self, line: Line) -> None:
        """Take a line; the oldest give way to it."""
        self._lines.append(line)
        self._bytes += len(line.text)
        while self._lines and (len(self._lines) > self._most or self._bytes > MOST_BYTES):
            oldest = self._lines.popleft()
            self._bytes -= len(oldest.text)
            self._since = self._since or oldest.at
            self._dropped += 1

    def take(self, why: str) -> list[Line]:
        """All that is in it, after a line that tells how many are missing before."""
        lines = list(self._lines)
        if self._dropped:
            count = "1 line was" if self._dropped == 1 else f"{self._dropped} lines were"
            lines.insert(
                0, Line(self._since, "WARNING", "orchestrator", f"{count} dropped here: {why}")
            )
        self._lines.clear()
        self._bytes = self._dropped = 0
        self._since = 0.0
        return lines
