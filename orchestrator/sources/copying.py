"""From a folder, here or at a URL, to a checkout: list, compare, copy."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.model.code import Code
from orchestrator.model.errors import SourceFailed
from orchestrator.sources.checkouts import Checkouts
from orchestrator.sources.contents import Escape
from orchestrator.sources.failing import scrubbed, system_failed
from orchestrator.sources.storages import LocalStorage, RemoteStorage

NOT_COPIED = (".git", "__pycache__", ".venv")
_TRIES = 3


def fetch_copy(
    storage: LocalStorage | RemoteStorage, checkouts: Checkouts, known: dict[str, Any]
) -> tuple[Code, str]:
    """The checkout of what is there now, and the fingerprint of its listing. Nothing is copied
    when the fingerprint is the one of ``known``.

    Raises:
        SourceFailed, OSError, Escape: why not.
    """
    folder = _Local(storage) if isinstance(storage, LocalStorage) else _Remote(storage)
    before = folder.fingerprint()
    for _ in range(_TRIES):
        if before == known.get("fingerprint") and (code := checkouts.find(known["revision"])):
            return code, before
        code = checkouts.add(None, folder.copy)
        after = folder.fingerprint()
        if after == before:
            return code, after
        before = after
    raise SourceFailed(storage.shown, "it changed each time while it was copied")


class _Local:
    def __init__(self, storage: LocalStorage) -> None:
        self._storage = storage

    def fingerprint(self) -> str:
        if not self._storage.path.is_dir():
            raise SourceFailed(self._storage.shown, "there is no such folder")
        digest = hashlib.sha256()
        for folder, folders, files in os.walk(self._storage.path):
            folders[:] = sorted(name for name in folders if name not in NOT_COPIED)
            for name in sorted((*folders, *files)):
                path = Path(folder, name)
                status = path.lstat()
                facts = (str(path), status.st_mode, status.st_size, status.st_mtime_ns)
                digest.update(repr(facts).encode())
        return digest.hexdigest()

    def copy(self, to: Path) -> None:
        ignore = shutil.ignore_patterns(*NOT_COPIED)
        shutil.copytree(self._storage.path, to, symlinks=True, ignore=ignore, dirs_exist_ok=True)


class _Remote:
    def __init__(self, storage: RemoteStorage) -> None:
        self._storage = storage
        try:
            import fsspec  # type: ignore[import-untyped]  # ships no types
        except ImportError:
            remedy = "install it: pip install 'flowstreams[remote]'"
            raise SourceFailed(storage.shown, "fsspec is not installed", remedy) from None
        self._open: Callable[..., Any] = fsspec.core.url_to_fs
        self._listed: dict[str, str] = {}

    def fingerprint(self) -> str:
        """Changes with the listing: names, sizes, and whatever marks of content there are."""
        return str(self._guarded(self._list))

    def copy(self, to: Path) -> None:
        self._guarded(lambda: self._copy(to))

    def _list(self) -> str:
        # A filesystem object remembers listings: a new one has none.
        self._files, self._root = self._open(
            self._storage.url, skip_instance_cache=True, **self._storage.settings
        )
        self._files.invalidate_cache()
        found = self._files.find(self._root, detail=True)
        if not found:
            raise SourceFailed(self._storage.shown, "there is nothing there", "look at the URL")
        self._listed = {_inner(self._root, name): name for name in sorted(found)}
        marks = [[name, _marks(self._files, info)] for name, info in sorted(found.items())]
        return hashlib.sha256(json.dumps(marks, default=str).encode()).hexdigest()

    def _copy(self, to: Path) -> None:
        for name, path in self._listed.items():
            if not set(PurePosixPath(name).parts) & set(NOT_COPIED):
                place = to / name
                place.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(place))

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (SourceFailed, Escape):
            raise
        except OSError as error:
            raise system_failed(self._storage.shown, error, self._storage.secrets) from None
        except ImportError as error:
            remedy = "install what fsspec needs for it, for s3: pip install 'flowstreams[s3]'"
            raise SourceFailed(self._storage.shown, str(error), remedy) from None
        except Exception as error:  # noqa: BLE001 - each filesystem raises errors of its library
            why = scrubbed(f"{type(error).__name__}: {error}", self._storage.secrets)
            raise SourceFailed(self._storage.shown, why) from None


def _inner(root: str, name: str) -> str:
    """The path below the root; zip slip and its kind end here.

    Raises:
        Escape: it lies elsewhere.
    """
    root = root.rstrip("/")
    inner = name[len(root) :] if name.startswith(f"{root}/") or not root else name
    inner = inner.removeprefix("/")
    path = PurePosixPath(inner)
    if not path.parts or path.is_absolute() or ".." in path.parts or set(inner) & set("\\\0"):
        raise Escape(f"the file {name!r} lies outside of it")
    return str(path)


_MARKS = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "created", "CRC", "sha")


def _marks(files: Any, info: dict[str, Any]) -> list[str]:
    found = [str(info[mark]) for mark in _MARKS if info.get(mark) is not None]
    if "http" in _protocols(files):
        # A listing of links: only each file itself tells about its content.
        more = files.info(info["name"])
        found += [str(more.get(mark)) for mark in ("ETag", "size", "Last-Modified", "mimetype")]
    return found


def _protocols(files: Any) -> tuple[str, ...]:
    protocol = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
