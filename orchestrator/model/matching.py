"""Patterns of texts: ``*`` stands for anything, a leading ``!`` for "not this"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

Specification = Mapping[str, Sequence[str]]
"""label -> patterns of its value."""


def fits(pattern: str, text: str) -> bool:
    """Whether the text is what the pattern says."""
    return _compiled(pattern).fullmatch(text) is not None


def fits_any(patterns: Iterable[str], text: str) -> bool:
    """Whether the text is what one of the patterns says."""
    return any(fits(pattern, text) for pattern in patterns)


def describes(specification: Specification, resource: Mapping[str, str]) -> bool:
    """Whether every label is there, with a value that is one of those wanted and none of those
    that must not be."""
    return all(
        label in resource and _allows(patterns, resource[label])
        for label, patterns in specification.items()
    )


def _allows(patterns: Sequence[str], value: str) -> bool:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return (not wanted or fits_any(wanted, value)) and not fits_any(unwanted, value)


@lru_cache(maxsize=10_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
