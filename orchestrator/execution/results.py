"""The return value of a flow as JSON text."""

from __future__ import annotations

import json
from typing import Any

_to_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_NO_NUMBERS = "NaN and infinity are not JSON: stored as null"


def encode_result(value: Any) -> tuple[str | None, str | None]:
    """(JSON text, note). The text is None when the value has no form in JSON; the note says why."""
    if value is None:
        return "null", None
    try:
        return _to_json(value), None
    except (TypeError, ValueError, RecursionError):
        return _encode_rich(value)


def _encode_rich(value: Any) -> tuple[str | None, str | None]:
    from pydantic_core import to_json

    try:
        text = to_json(value, inf_nan_mode="null").decode()
    except Exception as error:  # noqa: BLE001 - the user's object may raise anything; the run is done
        kind = type(value)
        reason = f"{type(error).__name__}: {error}"[:500]
        return None, f"result of type {kind.__module__}.{kind.__qualname__} not stored: {reason}"
    return text, _NO_NUMBERS if _has_odd_numbers(value) else None


def _has_odd_numbers(value: Any) -> bool:
    """Whether it is plain JSON but for numbers that JSON lacks."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
