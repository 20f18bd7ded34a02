"""The API of a home: a port that is kept, and a process that begins with the first visitor.

Nobody waits for it at the start, and who never looks at a page never pays for it. While it starts,
also again after it died, visitors wait in the queue of the port.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from pathlib import Path

from orchestrator.embedded.child import Child
from orchestrator.embedded.home import explain
from orchestrator.embedded.listening import listen, url_of
from orchestrator.programs import api_command
from orchestrator.settings import Settings

PATIENCE = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class EmbeddedApi:
    """One port and at most one process. Trouble with either is told, and no reason to end."""

    def __init__(
        self, settings: Settings, url: str, log: Path | None, report: Callable[[str], None]
    ) -> None:
        self._settings, self._report = settings, report
        self._listener: socket.socket | None = None
        self._child = Child(
            name="API",
            command=(),
            log=log,
            environment={
                **os.environ,
                **settings.environment(),
                "ORCHESTRATOR_REDIS_URL": url,
            },
            folder=Path.cwd() if log is None else log.parent,
        )
        self.page = ""
        """Where a browser finds it; empty when nobody can."""

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def open(self) -> None:
        """Take the port."""
        host, port = self._settings.api_host, self._settings.api_port
        if host not in LOOPBACK and not self._settings.api_key:
            self._report(f"no API: at {host} others could use it without ORCHESTRATOR_API_KEY")
            return
        try:
            self._listener = listen(host, port)
        except OSError as error:
            self._report(f"no API: cannot listen at {host} port {port}: {explain(error)}")
            return
        self._child.command = api_command("--fd", str(self._listener.fileno()))
        self.page = url_of(self._listener)
        self._report(f"API and pages at {self.page}")

    @property
    def door(self) -> socket.socket | None:
        """What becomes readable when somebody waits for a process to begin."""
        return self._listener if self._child.is_due() else None

    def look(self) -> None:
        """Notice its death, and start it when somebody waits."""
        if death := self._child.death():
            self._report(death)
        if self.door is not None and select.select([self.door], [], [], 0)[0]:
            self._start(self.door)

    def stop(self) -> None:
        """Visitors are answered, then it ends, and the port is free."""
        self._child.stop(PATIENCE)
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _start(self, listener: socket.socket) -> None:
        try:
            self._child.start(listener.fileno())
        except OSError as error:
            self._report(f"the API cannot be started: {explain(error)}")
            self._child.put_off()
        else:
            self._report(f"API {self._child.pid} started")
