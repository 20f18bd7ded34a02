"""What the process that looks at a source is asked, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.model.code import Code
from orchestrator.model.errors import SourceFailed

PROGRAM = Path(__file__).with_name("fetching.py")
"""To be started by path with ``-P``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A look for the newest code, or for a revision."""

    storage: Mapping[str, Any]
    home: str
    parent: int
    """The process with which this one ends."""
    max_age: float = 0.0
    """Seconds for which an answer to somebody else counts."""
    revision: str | None = None

    def to_text(self) -> bytes:
        """For its standard input: there may be secrets in it."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: code, and why it is not the newest if it is not."""

    code: Code | None
    why: str | None = None
    remedy: str = ""

    def code_or_raise(self, source: str) -> Code:
        """The code, old or new.

        Raises:
            SourceFailed: there is none.
        """
        if self.code is None:
            raise SourceFailed(source, str(self.why), self.remedy)
        return self.code

    def to_json(self) -> dict[str, Any]:
        code = None if self.code is None else self.code.to_json()
        return {"code": code, "why": self.why, "remedy": self.remedy}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Look:
        code = document["code"]
        return cls(
            None if code is None else Code.from_json(code), document["why"], document["remedy"]
        )
