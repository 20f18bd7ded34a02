"""An exception of user code as it is told: type, message, and the user's part of the traceback."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import TypedDict

LONGEST_TRACEBACK = 32_000
_OURS = str(Path(__file__).resolve().parents[1])


class Failure(TypedDict):
    type: str
    message: str
    traceback: str


def describe(error: BaseException) -> Failure:
    """What is shown and stored of an error."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    notes = getattr(error, "__notes__", ())
    message = clip("\n".join([_text(error), *map(str, notes)]))
    return Failure(type=name, message=message, traceback=format_failure(error))


def format_failure(error: BaseException) -> str:
    """The traceback from the first frame of user code on."""
    shown = error.with_traceback(_users_part(error.__traceback__))
    return clip("".join(traceback.format_exception(shown)))


def clip(text: str, limit: int = LONGEST_TRACEBACK) -> str:
    """The text with its middle left out when it is too long: both ends matter."""
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((_OURS, "<frozen importlib")):
            return trace
        trace = trace.tb_next
    return first


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - the user's __str__ may raise anything
        return f"<str() of the error raised {type(second).__name__}>"
