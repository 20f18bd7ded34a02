"""The jobs of the RQ contestant."""

from __future__ import annotations

import time

from peers.marks import mark


def quick() -> None:
    """Ends at once."""
    mark()


def sleeper() -> None:
    """Ends when it is stopped."""
    mark()
    time.sleep(600)
