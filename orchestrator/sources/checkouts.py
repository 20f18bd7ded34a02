"""Checkouts on this host: immutable folders, shared by whoever serves from them.

``HOME/sources/PLACE/`` holds, for one repository or storage::

    lock                    held by whoever fetches or cleans
    known-TRACK.json        what the latest look found: the revision, or why there is none
    checkouts/REVISION/     the code; complete as soon as it has this name
    checkouts/REVISION.json its commit and content hash
    checkouts/REVISION.lock locked (shared) by whoever uses it
    repository.git          what git has fetched
    new-*                   being made; a leftover once the lock is free
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestrator.model.code import Code
from orchestrator.sources.contents import check_links, content_hash, make_read_only, remove

KEPT = 2
"""Checkouts that nobody uses and that stay all the same, the latest used: for a step back."""


FORGOTTEN_AFTER = 30 * 86_400.0
"""Seconds without a look after which a whole place is removed: its script serves no more."""


class Checkouts:
    """Those of one place. Inside ``locked`` only one process of this host changes them."""

    def __init__(self, home: Path, key: str) -> None:
        self.folder = home / "sources" / key
        self._all = self.folder / "checkouts"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait for whoever fetches, and keep others waiting."""
        if "~" in self.folder.parts:
            raise OSError(errno.ENOENT, "this user has no home folder; set ORCHESTRATOR_HOME")
        for folder in (self.folder.parent, self.folder, self._all):  # code may be confidential
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in self.folder.glob("new-*"):
                remove(leftover)
            yield

    def find(self, revision: str) -> Code | None:
        """The checkout of this revision, when it is here and complete."""
        document = read_json(self._all / f"{revision}.json")
        code = None if document is None else Code.from_json(document)
        return code if code is not None and Path(code.folder).is_dir() else None

    def add(self, commit: str | None, fill: Callable[[Path], None]) -> Code:
        """The checkout that ``fill`` makes in the folder it is given. Without a commit it is named
        by its content.

        Raises:
            Escape: a link in it leads out.
        """
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        try:
            fill(new)
            check_links(new)
            content = content_hash(new)
            revision = commit or content
            place = self._all / revision
            code = Code(folder=str(place), revision=revision, commit=commit, content=content)
            if self.find(revision) is None:
                remove(place)
                make_read_only(new)
                new.chmod(0o755)  # a folder that may not be written cannot be renamed
                new.rename(place)
                place.chmod(0o555)
                write_json(self._all / f"{revision}.json", code.to_json())
            return code
        finally:
            remove(new)

    def touch(self, code: Code) -> None:
        """Somebody is about to use it."""
        (self._all / f"{code.revision}.lock").touch(mode=0o600)

    def known(self, track: str) -> dict[str, Any] | None:
        """What the latest look at a track has found."""
        return read_json(self.folder / f"known-{track}.json")

    def note(self, track: str, found: dict[str, Any]) -> None:
        """Remember what a look has found."""
        write_json(self.folder / f"known-{track}.json", found)

    def clean(self) -> None:
        """Remove what nobody uses: neither a process nor a track's latest look."""
        known = [read_json(path) for path in self.folder.glob("known-*.json")]
        newest = {found.get("revision") for found in known if found}
        idle = [path for path in self._all.glob("*.json") if path.stem not in newest]
        idle.sort(key=_last_used, reverse=True)
        for path in idle[KEPT:]:
            self._remove_if_idle(path.stem)

    def drop(self) -> None:
        """Remove everything, unless somebody uses a part of it."""
        for path in self._all.glob("*.json"):
            self._remove_if_idle(path.stem)
        if not any(self._all.glob("*.json")):
            remove(self.folder)

    def _remove_if_idle(self, revision: str) -> None:
        lock = self._all / f"{revision}.lock"
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            # Not complete any more before it is less than whole.
            (self._all / f"{revision}.json").unlink(missing_ok=True)
            remove(self._all / revision)
            lock.unlink()


def _last_used(path: Path) -> float:
    lock = path.with_suffix(".lock")
    return lock.stat().st_mtime if lock.exists() else path.stat().st_mtime


def forget_unused(home: Path, now: float) -> None:
    """Remove the places at which nobody has looked for ``FORGOTTEN_AFTER`` and that nobody uses.
    Called without any lock: two processes could wait for each other."""
    for folder in (home / "sources").iterdir():
        looks = [path.stat().st_mtime for path in folder.glob("known-*.json")]
        if looks and now - max(looks) > FORGOTTEN_AFTER:
            place = Checkouts(home, folder.name)
            with place.locked():
                place.drop()


def use(code: Code) -> int | None:
    """A descriptor that keeps the checkout from being removed while any process has it open; None
    when it is gone already."""
    lock = Path(f"{code.folder}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    with suppress(FileNotFoundError):
        # Not a file that was unlinked while we waited, with the checkout.
        if os.path.samestat(os.fstat(descriptor), lock.stat()) and Path(code.folder).is_dir():
            os.utime(descriptor)
            return descriptor
    os.close(descriptor)
    return None


def read_json(path: Path) -> dict[str, Any] | None:
    """The document; None when there is none, or a broken one."""
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Put it there whole, or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(document))
    new.replace(path)
