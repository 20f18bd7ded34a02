"""The server process of a home."""

from __future__ import annotations

import os
import time
from pathlib import Path

from orchestrator.embedded.child import Child
from orchestrator.embedded.home import Home, explain
from orchestrator.embedded.lock import take_lock
from orchestrator.embedded.probe import PONG, ask
from orchestrator.embedded.state import WAITING

_SOON = 0.01
_STOP_PATIENCE = 30.0
_SOCKET_PATIENCE = 5.0


class EmbeddedServer:
    """One server on the data of a home: never two, always on the same socket."""

    def __init__(self, home: Home, binary: Path) -> None:
        self._home = home
        self._child = Child(
            name="server",
            command=_command(home, binary),
            log=home.logs / "server.log",
            environment=os.environ,
            folder=home.data,
        )
        self.ready = False
        self.problem = ""

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def look(self) -> None:
        """Notice its death, start it when that is due, and hear whether it answers."""
        if death := self._child.death():
            self.ready, self.problem = False, death + self._home.disk_trouble()
        elif self._is_unreachable():
            self.stop()
            self.problem = f"{self._home.socket} has vanished"
        if self._child.is_due():
            self._start()
        elif self._child.pid and not self.ready:
            self._listen()

    def pause(self) -> float:
        """Seconds until the next look is useful, as long as it is not ready."""
        return _SOON if self._child.pid else self._child.start_at - time.monotonic()

    def stop(self) -> None:
        """SIGTERM: it writes its data to the disk and leaves."""
        self._child.stop(_STOP_PATIENCE)
        self.ready = False

    def _is_unreachable(self) -> bool:
        """Somebody tidied up: nobody can connect any more, only a new start makes a new socket.

        It may have gone before its first answer was heard; a server makes its socket at once, even
        when its data take long to load.
        """
        should_be_there = self.ready or self._child.age() > _SOCKET_PATIENCE
        return self._child.pid is not None and should_be_there and not self._home.socket.exists()

    def _start(self) -> None:
        try:
            self._home.prepare()
            # The server inherits the lock and so holds it as long as it lives, whoever else dies.
            lock = take_lock(self._home.server_lock)
            if lock is None:
                self.problem = WAITING
                self._child.start_at = time.monotonic() + _SOON
                return
            try:
                self._child.start(lock)
            finally:
                os.close(lock)
        except OSError as error:
            self.problem = (
                f"the server cannot be started: {explain(error)}{self._home.disk_trouble()}"
            )
            self._child.put_off()

    def _listen(self) -> None:
        answer = ask(self._home.socket)
        self.ready = answer == PONG
        if self.ready:
            self.problem = ""


def _command(home: Home, binary: Path) -> list[str]:
    """No TCP port, every write in the append-only file within a second, nothing ever evicted; a
    run's record stays one block of memory with parameters of up to a KiB, which is half of it."""
    options = {
        "port": "0",
        "unixsocket": str(home.socket),
        "unixsocketperm": "700",
        "dir": str(home.data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "1024",
        "protected-mode": "yes",
    }
    return [
        str(binary),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]
