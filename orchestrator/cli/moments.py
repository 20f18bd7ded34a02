"""Times and durations as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from orchestrator import written
from orchestrator.model.clock import from_ms
from orchestrator.model.spans import relative, span

__all__ = [
    "from_now",
    "local",
    "parse_duration",
    "parse_moment",
    "parse_since",
    "relative",
    "span",
    "stamp",
]


def parse_duration(text: str) -> timedelta:
    """``90``, ``30s``, ``1h30m`` or ``2 days``; a bare number is seconds.

    Raises:
        typer.BadParameter: none of these, or too long for a calendar.
    """
    try:
        return written.parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def parse_moment(text: str) -> datetime:
    """An ISO 8601 time; without an offset it is the local time of this machine.

    Raises:
        typer.BadParameter: not an ISO 8601 time.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-11-22T15:04 (local) or 2026-11-22T15:04:00Z"
        ) from None


def parse_since(text: str) -> datetime:
    """A time, or how long ago it is.

    Raises:
        typer.BadParameter: neither of them.
    """
    try:
        return datetime.now(UTC) - parse_duration(text)
    except typer.BadParameter:
        return parse_moment(text)
    except OverflowError:
        raise typer.BadParameter("that is before the beginning of the calendar") from None


def from_now(delay: timedelta) -> datetime:
    """The moment after ``delay``.

    Raises:
        typer.BadParameter: beyond the end of the calendar.
    """
    try:
        return datetime.now(UTC) + delay
    except OverflowError:
        raise typer.BadParameter("that is beyond the end of the calendar") from None


def local(ms: int, now_ms: int) -> str:
    """Local date and time, and how far away that is."""
    moment = from_ms(ms).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} ({relative(ms, now_ms)})"


def stamp(seconds: float) -> str:
    """The local time of a log line, with its day unless that is today."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    clock = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    return clock if moment.date() == today else f"{moment:%Y-%m-%d} {clock}"
