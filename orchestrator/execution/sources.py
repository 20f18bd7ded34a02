"""The source files that a load has read, and whether they are still the same."""

from __future__ import annotations

import hashlib
import os
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

FRESH_SECONDS = 2.0
"""A file that is older than this has another time when it is changed, in whole seconds too."""

Mark = tuple[int, int]
_OURS = str(Path(__file__).resolve().parents[1])
_INSTALLED = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {_OURS}
)


class Sources:
    """Files of the user that were imported, as they were when they were read."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark | None] = {}

    def note(self, path: str) -> None:
        """Remember the file as it is now; called before it is read, so no change slips through."""
        if path not in self._marks and not is_installed(path):
            self._marks[path] = _mark(path)

    def changed(self) -> str | None:
        """A file that is no longer what was read, if there is one."""
        for path, mark in self._marks.items():
            if _mark(path) != mark:
                return path
        return None

    def digest(self) -> str:
        """SHA-256 over the files as they are now, wherever they lie."""
        digests = sorted(hashlib.sha256(_content(path)).digest() for path in self._marks)
        return hashlib.sha256(b"".join(digests)).hexdigest()

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Inside, every source file that an import reads is noted, failing imports included. What
        was only just written is compiled anew, without a trace: cached code is told from outdated
        code by size and whole seconds, and a file may change twice in one."""
        original = SourceFileLoader.path_stats

        def path_stats(loader: SourceFileLoader, path: Any) -> Any:
            name = os.fspath(path)
            self.note(name)
            stats = original(loader, path)
            if name in self._marks and stats["mtime"] > time.time() - FRESH_SECONDS:
                raise OSError(f"{name} is too new for cached code")  # which is then left alone
            return stats

        # The import system asks this method for size and time just before it reads a file.
        SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            SourceFileLoader.path_stats = original  # type: ignore[method-assign]


def _mark(path: str) -> Mark | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - each file, before each run
    except OSError:
        return None  # not there (an editor replaces it right now): a change like any other
    return status.st_mtime_ns, status.st_size


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""  # gone since: the next run finds the change


def is_installed(path: str) -> bool:
    """Whether the file is part of Python, of a package that was installed, or ours."""
    if "/site-packages/" in path or "/dist-packages/" in path:
        return True
    return any(path.startswith(folder + os.sep) for folder in _INSTALLED)
