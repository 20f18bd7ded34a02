"""One raw PING: importing a Redis client would cost more than everything else here."""

from __future__ import annotations

import socket
from pathlib import Path

PONG = "PONG"


def ask(path: Path, timeout: float = 1.0) -> str:
    """``PONG``, the server's refusal (``LOADING ...``, ``MISCONF ...``), or "" without a server."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(timeout)
            link.connect(str(path))
            link.sendall(b"PING\r\n")
            reply = link.recv(512)
    except OSError:
        return ""
    return reply[1:].decode(errors="replace").strip()
