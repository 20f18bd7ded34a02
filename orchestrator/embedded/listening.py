"""The port of the API: taken before the API starts, so that its address is known at once, and kept
while it starts again, so that who connects meanwhile only waits."""

from __future__ import annotations

import errno
import socket

TRIES = 100
"""Ports that are tried one after the other."""

_TAKEN = (errno.EADDRINUSE, errno.EACCES)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at the port, or at the next free one; at port 0 wherever the system says.

    Raises:
        OSError: no such address, or no free port.
    """
    kind, kind_of_socket, protocol, _, _ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[
        0
    ]
    last = port + TRIES if port else 0
    while True:
        listener = socket.socket(kind, kind_of_socket, protocol)
        try:
            # Only connections that end may stand in the way, never another listener.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(1024)
        except OSError as error:
            listener.close()
            port += 1
            if error.errno not in _TAKEN or not port <= min(last, 65_535):
                raise
        else:
            return listener


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # what it listens on, not where one connects to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
