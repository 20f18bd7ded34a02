"""What this host lacks for one more process, and for how many runs is claimed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from . import events
from .contact import pause_after

LONGEST_PAUSE = 30.0
"""Seconds; other hosts take the run that is tried, and this one's turn must not come too often."""


class Slots(Protocol):
    """How many runs there are, and could be."""

    @property
    def running(self) -> int: ...

    @property
    def free(self) -> int: ...


class Shortage:
    """A host that refused a process gets no more runs than it had then. One more is tried after
    each pause, and the pauses grow until one begins."""

    def __init__(
        self, slots: Slots, *, look: Callable[[], None], changed: Callable[[], None]
    ) -> None:
        """``look``: there may be slots to claim for; ``changed``: ``why`` has."""
        self._slots, self._look, self._changed = slots, look, changed
        self._what: str | None = None
        """Was lacking last; None: nothing since this host had more runs than then."""
        self._has_passed = False
        """A process was made since; it may have taken the place of another one."""
        self._most = 0
        """Runs that had their processes when one more was refused."""
        self._refusals = 0
        self._is_pausing = False

    @property
    def why(self) -> str | None:
        """What is lacking, as far as is known; None: nothing."""
        return None if self._has_passed else self._what

    @property
    def free_slots(self) -> int:
        """Slots that a process could be had for."""
        free = self._slots.free
        if self._what is None:
            return free
        known_to_fit = self._most - self._slots.running
        if known_to_fit > 0:
            return min(free, known_to_fit)
        return 0 if self._is_pausing else min(free, 1)

    def met(self, why: str) -> None:
        """A process could not be made. The run that it was for is not counted any more."""
        running, told = self._slots.running, self.why
        if self._what is None:
            self._most = running
            events.warning(
                "This host refuses a process; claiming waits until it has room.",
                why=why,
                running=running,
            )
        self._most = min(self._most, running)
        self._what, self._has_passed = why, False
        if told is None:
            self._changed()
        if not self._is_pausing:  # of runs claimed together each is refused: that is one refusal
            self._pause()

    def passed(self) -> None:
        """A process was made, and has begun."""
        if self._what is None:
            return
        told, self._has_passed = self.why, True
        if self._slots.running > self._most:
            events.info("This host has room for processes again.", refusals=self._refusals)
            self._what, self._refusals = None, 0
            self._look()
        if told is not None:
            self._changed()

    def _pause(self) -> None:
        self._refusals += 1
        self._is_pausing = True
        pause = pause_after(self._refusals, LONGEST_PAUSE)
        asyncio.get_running_loop().call_later(pause, self._try_again)

    def _try_again(self) -> None:
        self._is_pausing = False
        self._look()
