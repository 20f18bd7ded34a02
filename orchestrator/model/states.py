"""The states of a run and the one table of transitions.

Everything that must agree on the life of a run reads it from here: the Lua scripts are held to
``TRANSITIONS`` by a test, the terminal and the docs print it.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a run is in its life. The value is what Redis, JSON and people see."""

    SCHEDULED = "Scheduled"
    AWAITING_RETRY = "AwaitingRetry"
    AWAITING_CONCURRENCY_SLOT = "AwaitingConcurrencySlot"
    PENDING = "Pending"
    RUNNING = "Running"
    PAUSED = "Paused"
    CANCELLING = "Cancelling"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CRASHED = "Crashed"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"


LATE = "Late"
"""Shown instead of ``Scheduled`` for a run that is overdue; derived on reading, never stored."""

WAITING = frozenset({State.SCHEDULED, State.AWAITING_RETRY, State.AWAITING_CONCURRENCY_SLOT})
"""No process has the run: it is in a queue or waits for its time."""

CLAIMED = frozenset({State.PENDING, State.RUNNING, State.PAUSED, State.CANCELLING})
"""Some runner holds the run's lease."""

FINAL = frozenset(
    {
        State.COMPLETED,
        State.FAILED,
        State.TIMED_OUT,
        State.CRASHED,
        State.CANCELLED,
        State.SKIPPED,
    }
)
"""The run is over; its record never changes again (I7)."""

_BACK_IN_QUEUE = frozenset({State.SCHEDULED, State.AWAITING_RETRY})
_OVER = FINAL - {State.SKIPPED}
_TAKEN = _BACK_IN_QUEUE | _OVER | {State.CANCELLING}
"""What may become of any claimed run that is not being cancelled already."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset(
        {State.PENDING, State.AWAITING_CONCURRENCY_SLOT, State.CANCELLED, State.SKIPPED}
    ),
    State.AWAITING_RETRY: frozenset({State.PENDING, State.CANCELLED}),
    State.AWAITING_CONCURRENCY_SLOT: frozenset(
        {State.SCHEDULED, State.PENDING, State.CANCELLED, State.SKIPPED}
    ),
    # A claimed run goes back when its runner hands it back or is found dead.
    State.PENDING: _TAKEN | {State.RUNNING, State.PAUSED},
    State.RUNNING: _TAKEN | {State.PAUSED},
    # Back to Pending when its process has not begun: a run that was paused before it was lost.
    State.PAUSED: _TAKEN | {State.PENDING, State.RUNNING},
    # A run that ends by itself before the signal reaches it keeps its true end, but never retries.
    State.CANCELLING: _OVER,
    **{final: frozenset() for final in FINAL},
}
"""state -> the states that may follow it. A run is created ``Scheduled``."""
