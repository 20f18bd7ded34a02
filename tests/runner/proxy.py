"""Stands between a runner and its server, and loses replies."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ReplyLoser:
    """Forwards everything; a reply after a command with ``marker`` is lost, and the connection with
    it: the server has done what the client does not know."""

    server: Path
    path: Path
    marker: bytes
    lost: int = 0
    most: int = 1
    spared: int = 0
    """Commands with the marker whose replies come through before the first is lost."""
    seen: int = 0
    _listening: socket.socket = field(init=False)
    _links: list[socket.socket] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def close(self) -> None:
        for link in (self._listening, *self._links):
            _shut(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return  # closed
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.server))
            self._links += [client, server]
            connection = _Connection(self, client, server)
            for pump in (connection.requests, connection.replies):
                threading.Thread(target=pump, daemon=True).start()


@dataclass
class _Connection:
    loser: ReplyLoser
    client: socket.socket
    server: socket.socket
    doomed: bool = False

    def requests(self) -> None:
        while data := _receive(self.client):
            loser = self.loser
            if loser.marker in data and loser.lost < loser.most:
                loser.seen += 1
                if loser.seen > loser.spared:
                    loser.lost += 1
                    self.doomed = True
            with suppress(OSError):  # the other direction was cut meanwhile
                self.server.sendall(data)
        _shut(self.server)

    def replies(self) -> None:
        while data := _receive(self.server):
            if self.doomed:
                break
            with suppress(OSError):
                self.client.sendall(data)
        _shut(self.client)


def _receive(link: socket.socket) -> bytes:
    try:
        return link.recv(1 << 16)
    except OSError:
        return b""


def _shut(link: socket.socket) -> None:
    with suppress(OSError):  # it was closed already
        link.shutdown(socket.SHUT_RDWR)
    link.close()
