"""Durations as people write them: ``90``, ``30s``, ``1h30m``, ``2 days``."""

from __future__ import annotations

import re
from datetime import timedelta

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_SECONDS = {
    "": 1,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
}


def parse_duration(text: str) -> timedelta:
    """``90``, ``30s``, ``1h30m`` or ``2 days``; a bare number is seconds.

    Raises:
        ValueError: none of these, or too long for a calendar; says so.
    """
    seconds, rest = 0.0, text.strip().lower()
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _SECONDS:
            break
        seconds += float(part[1]) * _SECONDS[part[2]]
        rest = rest[part.end() :].lstrip()
    if rest or not text.strip():
        raise ValueError(f"{text!r} is no duration; write 90, 30s, 5m, 1h30m or 2d")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{text!r} is too long") from None
