"""Where a run stands in the order of all: by when it was created, then by its id."""

from __future__ import annotations

from typing import NamedTuple, Self

from orchestrator.model.errors import InvalidOption

_DIGITS = 15


class Place(NamedTuple):
    """Larger ones are newer, and come first in a list."""

    created_ms: int
    run_id: str

    @property
    def text(self) -> str:
        """As ``next`` of a page has it."""
        return f"{self.created_ms}.{self.run_id}"

    @classmethod
    def of(cls, text: str) -> Self:
        """The place that a page named.

        Raises:
            InvalidOption: it is none.
        """
        created, dot, run_id = text.partition(".")
        if not dot or not created.isascii() or not created.isdecimal() or len(created) > _DIGITS:
            raise InvalidOption(
                "before", text, "is no place in a list of runs: take next of a page"
            )
        return cls(int(created), run_id)


BEGINNING = Place(10**_DIGITS, "")
"""Before every run."""
