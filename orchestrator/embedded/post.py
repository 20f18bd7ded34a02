"""The post of a home's guardian: held by one living process, or free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from orchestrator.embedded.binary import NoBinary, find_binary
from orchestrator.embedded.ensure import remedy
from orchestrator.embedded.home import Home, explain
from orchestrator.embedded.journal import open_log
from orchestrator.embedded.lock import take_lock
from orchestrator.embedded.state import forget_state
from orchestrator.model.errors import EmbeddedServerFailed


@dataclass(frozen=True, slots=True)
class Post:
    """The lock of a home, and what its holder needs."""

    binary: Path
    log: FileIO
    lock: int

    def leave(self) -> None:
        """The next may come. Only when everything that was guarded has ended."""
        self.log.close()
        os.close(self.lock)


def take_post(home: Home) -> Post | None:
    """The post, or None when another process holds it.

    Raises:
        EmbeddedServerFailed: nobody could guard this home: folders, disk, no server binary.
    """
    home.prepare()
    try:
        binary = find_binary()
        lock = take_lock(home.lock)
        if lock is None:
            return None
        forget_state(home.state)  # also tells whether the disk takes anything at all
        return Post(binary, open_log(home.logs / "guardian.log"), lock)
    except NoBinary as error:
        raise EmbeddedServerFailed(home.url, str(error), remedy(home)) from error
    except OSError as error:
        why = f"{error.filename or home.folder}: {explain(error)}"
        raise EmbeddedServerFailed(home.url, why, remedy(home)) from error
