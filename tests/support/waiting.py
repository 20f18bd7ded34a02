"""Wait for facts, never for time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    fact: Callable[[], T | None], *, within: float = 30.0, every: float = 0.01, why: str = ""
) -> T:
    """The first truthy answer of ``fact``; AssertionError naming ``why`` when none comes in time.

    Exceptions of ``fact`` are final: a fact that cannot be asked yet answers None.
    """
    deadline = time.monotonic() + within
    while True:
        answer = fact()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {why or fact}; last answer {answer!r}")
        time.sleep(every)
