"""How long something takes or is away, as people say it."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


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
