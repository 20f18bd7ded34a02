"""Who is dead: a mark that did not change while we could have seen it change. Pure.

No wall clock is compared with another: two processes only measure the same length of time, each on
its own clock (reliability of rates, not of readings).
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


def deadline(lease: float, sent: float) -> float:
    """Until when a tree may run after a claim or beat that was sent at ``sent`` and answered OK.

    Counted from the sending: whoever watches the lease saw the change later than that (I4). The
    margin is for stopping the tree, and for clocks that run at different rates.
    """
    return sent + lease - lease / 15


WATCHERS = 16


def watches(who: str, crowd: int) -> bool:
    """Whether this one of a crowd is among those who look at all the others each time.

    About ``WATCHERS`` are, by their names: whichever hosts die, some of those who are left watch.
    The others must look now and then as well, since a crowd that died at once still counts.
    """
    return crowd <= WATCHERS or zlib.crc32(who.encode()) * crowd < WATCHERS << 32


@dataclass(frozen=True, slots=True)
class Mark(Generic[K]):
    """Something alive as one look found it: who, what changes while it lives, and its period."""

    who: K
    sign: Hashable
    period: float
    """Seconds without change after which it counts as dead."""


class Watch(Generic[K]):
    """Remembers since when each mark has been unchanged under uninterrupted contact."""

    def __init__(self, longest_gap: float) -> None:
        self._longest_gap = longest_gap
        self._since: dict[K, tuple[Hashable, float]] = {}
        self._last_answer: float | None = None

    def lose_contact(self) -> None:
        """A look failed: what was seen before proves nothing any more."""
        self._since.clear()
        self._last_answer = None

    def keep_contact(self, answered: float) -> None:
        """The server answered something else: who lived could have changed its mark."""
        if self._last_answer is not None and answered - self._last_answer > self._longest_gap:
            self.lose_contact()
        self._last_answer = answered

    def look(self, sent: float, answered: float, marks: Iterable[Mark[K]]) -> list[K]:
        """The dead ones, by a look that was sent and answered at these elapsed times.

        First sights count from the answer, judgements from the sending: what lies between belongs
        to nobody.
        """
        self.keep_contact(answered)
        known, self._since, dead = self._since, {}, []
        for mark in marks:
            sign, since = known.get(mark.who, (None, answered))
            if sign != mark.sign:
                since = answered
            self._since[mark.who] = (mark.sign, since)
            if sent - since >= mark.period:
                dead.append(mark.who)
        return dead
