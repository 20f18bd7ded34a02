"""Small readings of replies that several nouns share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def record_of(reply: Sequence[str]) -> dict[str, str]:
    """A hash from the flat list that HGETALL answers."""
    return dict(zip(reply[::2], reply[1::2], strict=True))


def maybe_int(value: Any) -> int | None:
    """An instant or count; the empty text and nil stand for none."""
    return None if value is None or value == "" else int(value)


def maybe_float(value: Any) -> float | None:
    """A quantity; the empty text and nil stand for none."""
    return None if value is None or value == "" else float(value)


def text_of(value: float | str | None) -> str:
    """An argument; the empty text stands for none."""
    return "" if value is None else str(value)
