"""``set_progress``: how far a run has come, told by itself at most ten times a second."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TypedDict, cast

from orchestrator.execution import context
from orchestrator.model.errors import InvalidOption

EVERY = 0.1
"""Seconds between two that are told; of those between, the last one is."""


class Progress(TypedDict):
    """As it stands in the run's record."""

    done: float
    total: float
    text: str | None


def set_progress(value: float | tuple[float, float], *, text: str | None = None) -> None:
    """Show how far this run has come; outside a run nothing happens.

    Args:
        value: a part of 1, such as 0.4; or how much is done, and of how much: ``(3, 10)``.
        text: what it is at.

    Raises:
        InvalidOption: it is no such number.
        RuntimeError: in a process that the run started.
    """
    progress = _progress(value, text)
    if context.in_run_process():
        _teller.say(progress)


def finish() -> None:
    """Tell the last one, if it still waits."""
    _teller.finish()


class _Teller:
    """Keeps the pace: the first is told at once, the last one always."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told_at = -math.inf
        self._waiting: Progress | None = None
        self._timer: threading.Timer | None = None

    def say(self, progress: Progress) -> None:
        with self._lock:
            wait = self._told_at + EVERY - time.monotonic()
            if wait <= 0 and self._timer is None:
                self._tell(progress)
                return
            self._waiting = progress
            if self._timer is None:
                self._timer = _later(wait, self._time_has_come)

    def finish(self) -> None:
        if self._told_at == -math.inf:
            return  # nothing was said, and the first is told at once
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self._time_has_come()

    def _time_has_come(self) -> None:
        with self._lock:
            self._timer = None
            if self._waiting is not None:
                self._tell(self._waiting)

    def _tell(self, progress: Progress) -> None:
        self._waiting, self._told_at = None, time.monotonic()
        context.tell({"op": "progress", "progress": progress})


_teller = _Teller()


def _later(seconds: float, call: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


def _progress(value: object, text: object) -> Progress:
    pair = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, 1)
    done, total = map(_number, pair)
    if done is None or total is None or not 0 <= done <= total or total == 0:
        why = "must be a part of 1, such as 0.4, or (done, total), such as (3, 10)"
        raise InvalidOption("progress", value, why)
    if text is not None and not isinstance(text, str):
        raise InvalidOption("text", text, "must be a text")
    return Progress(done=done, total=total, text=text)


def _number(value: object) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return cast(float, value) if number and math.isfinite(cast(float, value)) else None
