"""What somebody who typed an unknown name may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_SUGGESTIONS = 3


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Those of ``known`` that ``name`` may stand for, the likeliest first."""
    # Half of a full name is the commonest slip, and too far away for a measure of likeness.
    halves = [full for full in known if name in full.split("/")]
    return (halves or get_close_matches(name, known, _SUGGESTIONS))[:_SUGGESTIONS]
