"""The end of the server's append-only file, and how it gets lost: what power failures do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

_PATTERN = "appendonly.aof.*.incr.aof"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a journal was written at some instant."""

    file: Path
    size: int

    @classmethod
    def now(cls, folder: Path) -> Mark:
        """Of the server that keeps its data in ``folder``."""
        files = (folder / "appendonlydir").glob(_PATTERN)
        latest = max(files, key=lambda file: int(file.name.split(".")[2]))
        return cls(latest, latest.stat().st_size)

    def cut(self, random: Random) -> int:
        """Take away a part of what was written since; how many bytes. The server must be dead."""
        latest = Mark.now(self.file.parents[1])
        if latest.file != self.file or latest.size <= self.size:
            return 0  # the journal was written anew meanwhile, or nothing was written
        end = random.randrange(self.size, latest.size)
        os.truncate(self.file, end)
        return latest.size - end
