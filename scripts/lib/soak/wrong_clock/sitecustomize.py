"""Gives every Python process that has this folder on its path a wrong wall clock.

It is early, right and late in turn, and jumps from one to the next. Python imports this file at its
start; the clock of the witness, CLOCK_MONOTONIC, stays as it is.
"""

import time

AHEAD_NS = 3_600_000_000_000
JUMP_NS = 7_000_000_000
_real_ns = time.time_ns


def _wrong_ns() -> int:
    return _real_ns() + AHEAD_NS * (time.monotonic_ns() // JUMP_NS % 3 - 1)


def _wrong() -> float:
    return _wrong_ns() / 1e9


time.time_ns = _wrong_ns
time.time = _wrong
