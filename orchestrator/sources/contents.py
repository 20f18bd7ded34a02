"""A folder's content: its hash, what must not be in it, and how it is kept from changing."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20


class Escape(Exception):
    """Something in a folder leads out of it."""


def content_hash(folder: Path) -> str:
    """SHA-256 over the path, the kind and the content of everything below ``folder``."""
    digest = hashlib.sha256()
    for path in _below(folder):
        name = os.fsencode(path.relative_to(folder))
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            kind, size = b"link", len(os.fsencode(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            kind, size = b"program" if status.st_mode & 0o100 else b"file", status.st_size
        else:
            continue
        digest.update(b"%s\0%s\0%d\0" % (name, kind, size))
        _add_content(digest, path, kind)
    return digest.hexdigest()


def check_links(folder: Path) -> None:
    """Raise Escape when a symbolic link leads out, or something is neither file nor folder."""
    root = folder.resolve()
    for path in _below(folder):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            target = path.readlink()
            if target.is_absolute() or not path.resolve().is_relative_to(root):
                raise Escape(f"the link {path.relative_to(folder)} -> {target} leads out of it")
        elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise Escape(f"{path.relative_to(folder)} is neither a file nor a folder")


def make_read_only(folder: Path) -> None:
    """What runs share none of them may change."""
    for path in [*_below(folder), folder]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o555)


def remove(folder: Path) -> None:
    """Remove a folder, a read-only one too, or a file."""
    if not folder.is_dir() or folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    for path in [folder, *_below(folder)]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)


def _add_content(digest: hashlib._Hash, path: Path, kind: bytes) -> None:
    if kind == b"link":
        digest.update(os.fsencode(path.readlink()))
        return
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)


def _below(folder: Path) -> Iterator[Path]:
    """Everything below, folders before what is in them, always in the same order."""
    for entry in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _below(entry)
