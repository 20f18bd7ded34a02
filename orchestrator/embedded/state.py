"""What a guardian says of itself, in ``guardian.json``. Whether it lives, only its lock tells."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

WAITING = "the server of an earlier guardian still writes its data; its end is waited for"
"""The one problem that passes by itself."""


@dataclass(frozen=True, slots=True)
class GuardianState:
    """Who guards, what runs, and what is wrong, if anything."""

    pid: int
    host: str
    url: str
    server_pid: int | None = None
    ready: bool = False
    scheduler_pid: int | None = None
    page: str = ""
    """Where the API and the pages are."""
    problem: str = ""

    def write(self, path: Path) -> None:
        """Replace the file in one step; OSError when the disk does not take it."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        os.replace(fresh, path)  # noqa: PTH105  # the one call whose atomicity is documented


def read_state(path: Path) -> GuardianState | None:
    """The last words, or None when there are none or they cannot be understood."""
    try:
        return GuardianState(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def forget_state(path: Path) -> None:
    """An earlier guardian's words are no longer true; OSError when the disk takes no new ones."""
    path.write_text("{}\n", encoding="utf-8")
