"""Code at one state of its source: what a run of a stored flow executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A checkout: a folder that never changes."""

    folder: str
    revision: str
    """What names this state within its source: the commit, else the content's hash."""
    commit: str | None
    content: str
    """SHA-256 over paths, modes and contents of all files."""

    @property
    def short(self) -> str:
        """For people."""
        return self.revision[:12]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Code:
        """The code that ``to_json`` wrote."""
        return cls(**document)
