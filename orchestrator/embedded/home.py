"""The layout of a home: where data, logs, locks and the socket of its server lie."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from orchestrator.model.errors import EmbeddedServerFailed

SOCKETS = Path("/tmp")  # noqa: S108  # a private folder in it, whose owner and mode are checked
"""Not XDG_RUNTIME_DIR: two processes of one user may disagree about it (cron, sudo, a container's
second shell), and it is emptied at logout while the server still runs."""

FULL_BELOW = 1 << 20
"""Bytes free under which a disk is called full: a server needs about that much to start."""

_REMEDY = "set ORCHESTRATOR_HOME to a folder that you may write to, or ORCHESTRATOR_REDIS_URL"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of one home. All names follow from ``folder``."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Locked by the living guardian: the only truth about whether there is one."""
        return self.folder / "guardian.lock"

    @property
    def server_lock(self) -> Path:
        """Locked by the living server: no second one may touch the same data."""
        return self.folder / "server.lock"

    @property
    def state(self) -> Path:
        """What the guardian last said of itself; for people and messages only."""
        return self.folder / "guardian.json"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def socket_folder(self) -> Path:
        """Short whatever the home's own length: a socket's path ends at 107 bytes."""
        digest = hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:12]
        return SOCKETS / f"orc-{os.geteuid()}-{digest}"

    @property
    def socket(self) -> Path:
        return self.socket_folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def is_private(self) -> bool:
        """The socket's folder is there and nobody else can have put a server into it."""
        try:
            return _fault(self.socket_folder.lstat()) is None
        except FileNotFoundError:
            return False

    def prepare(self) -> None:
        """Make what is missing.

        Raises:
            EmbeddedServerFailed: a folder cannot be made, or the socket's one is not ours alone.
        """
        if "~" in self.folder.parts:
            raise EmbeddedServerFailed(self.url, "this user has no home folder", _REMEDY)
        for folder in (self.folder, self.data, self.logs):
            self._make(folder, parents=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise EmbeddedServerFailed(self.url, f"{folder} is not writable", _REMEDY)
        self._make(self.socket_folder)
        if fault := _fault(self.socket_folder.lstat()):
            raise EmbeddedServerFailed(
                self.url,
                f"{self.socket_folder} {fault}",
                "remove that folder, or set ORCHESTRATOR_HOME to another one",
            )

    def disk_trouble(self) -> str:
        """Says that the disk is full, when it is; else ""."""
        disk = os.statvfs(self.folder)
        full = disk.f_bavail * disk.f_frsize < FULL_BELOW
        return f"; the disk that holds {self.folder} is full" if full else ""

    def _make(self, folder: Path, *, parents: bool = False) -> None:
        try:
            folder.mkdir(mode=0o700, parents=parents, exist_ok=True)
        except OSError as error:
            why = f"cannot make the folder {folder}: {explain(error)}"
            raise EmbeddedServerFailed(self.url, why, _REMEDY) from error


def explain(error: OSError) -> str:
    """The system's reason, with the number's name, so that it can be searched for."""
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})"


def _fault(found: os.stat_result) -> str | None:
    """What forbids to trust the folder of a socket."""
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != os.geteuid():
        return f"belongs to user number {found.st_uid}, not to you"
    if found.st_mode & 0o077:
        return f"is open to others (mode {stat.S_IMODE(found.st_mode):o}, wanted 700)"
    return None
