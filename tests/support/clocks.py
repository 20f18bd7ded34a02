"""Wrong wall clocks for single processes: early, late, and jumping while they run (I18).

libfaketime, from Debian, answers for the kernel. Lengths of time stay what they are: only a wall
clock is ever set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDERS = Path("/usr/lib")


@dataclass(frozen=True)
class WrongClock:
    """The clock of all processes that are started with ``environment``; ``file`` says how wrong."""

    file: Path

    def __post_init__(self) -> None:
        self.set(0)

    def set(self, seconds: int) -> None:
        """So many seconds ahead of the real time from now on, or behind it."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def _library() -> str:
    found = sorted(FOLDERS.glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is missing: apt-get install faketime"
    return str(found[0])
