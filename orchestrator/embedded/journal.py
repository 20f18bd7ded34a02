"""The logs of a home. They are short, and never a reason to fail."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from orchestrator.model.clock import rfc3339

LONGEST_LOG = 1_000_000
"""Bytes after which a log becomes ``*.old`` when it is opened the next time."""


def open_log(path: Path) -> FileIO:
    """The log, standing at its end; every write appends."""
    if path.exists() and path.stat().st_size > LONGEST_LOG:
        path.replace(path.with_suffix(".old"))
    log = FileIO(os.fspath(path), "ab")
    log.seek(0, os.SEEK_END)
    return log


@dataclass(frozen=True, slots=True)
class Journal:
    """What a guardian reports: to its log, and to the person in front of it, if any."""

    log: FileIO
    echo: Callable[[str], None] | None = None

    def __call__(self, line: str) -> None:
        if self.echo is not None:
            self.echo(line)
        try:
            self.log.write(f"{rfc3339(time.time_ns() // 1_000_000)} {line}\n".encode())
        except OSError:
            # A full disk is just when the guardian must go on; `guardian.json` and whoever asks
            # for the server say it instead.
            return


class LogTail:
    """What is added to a log from now on, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0

    def lines(self) -> list[str]:
        """The whole lines that came since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as log:
            if self._position > log.seek(0, os.SEEK_END):  # a new file: the old one was too long
                self._position = 0
            log.seek(self._position)
            text = log.read()
        text = text[: text.rfind(b"\n") + 1]
        self._position += len(text)
        return text.decode(errors="replace").splitlines()
