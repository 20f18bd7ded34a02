"""Times and durations as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

from orchestrator.model.clock import from_ms

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_SECONDS = {
    "": 1,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
}
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def parse_duration(text: str) -> timedelta:
    """``90``, ``30s``, ``1h30m`` or ``2 days``; a bare number is seconds.

    Raises:
        typer.BadParameter: none of these, or too long for a calendar.
    """
    seconds, rest = 0.0, text.strip().lower()
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _SECONDS:
            break
        seconds += float(part[1]) * _SECONDS[part[2]]
        rest = rest[part.end() :].lstrip()
    if rest or not text.strip():
        raise typer.BadParameter(f"{text!r} is no duration; write 90, 30s, 5m, 1h30m or 2d")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is too long") from None


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


def from_now(delay: timedelta) -> datetime:
    """The moment after ``delay``.

    Raises:
        typer.BadParameter: beyond the end of the calendar.
    """
    try:
        return datetime.now(UTC) + delay
    except OverflowError:
        raise typer.BadParameter("that is beyond the end of the calendar") from None


def span(seconds: float, units: int = 2) -> str:
    """A duration in at most ``units`` units: ``850ms``, ``12s``, ``3m 5s``, ``2d 4h``."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    rest = round(seconds)
    words: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or words:
            words.append(f"{count}{unit}")
    return " ".join(word for word in words[:units] if not word.startswith("0"))


def relative(ms: int | None, now_ms: int) -> str:
    """``3m 5s ago``, ``in 2h``, ``now``, or ``-`` when there is no such time."""
    if ms is None:
        return "-"
    away = (ms - now_ms) / 1000
    if abs(away) < 1:
        return "now"
    return f"in {span(away)}" if away > 0 else f"{span(-away)} ago"


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
