"""Wrong keys are counted: an address that shows too many waits, however right the next one is."""

from __future__ import annotations

from collections import OrderedDict, deque

MOST, WITHIN_SECONDS = 10, 60.0
_ADDRESSES = 10_000
"""Remembered at most; the one that was wrong longest ago is forgotten first."""


class Attempts:
    """The wrong keys of the last ``WITHIN_SECONDS``, by address."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Seconds until the address may try again; 0 when it may now."""
        wrong = self._wrong.get(address)
        if wrong is None or len(wrong) < MOST:
            return 0.0
        return max(0.0, wrong[0] + WITHIN_SECONDS - now)

    def was_wrong(self, address: str, now: float) -> None:
        """Count one."""
        self._wrong.setdefault(address, deque(maxlen=MOST)).append(now)
        self._wrong.move_to_end(address)
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)

    def forget(self) -> None:
        """Begin anew."""
        self._wrong.clear()
