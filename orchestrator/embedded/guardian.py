"""The guardian of a home: owns its server, its scheduler and its API, restarts what dies, leaves
when idle.

It is the only holder of ``guardian.lock``. When it is killed, the kernel sends SIGTERM to what it
owns (Linux): the server writes its data and leaves; the next guardian waits until ``server.lock``
is free and serves the same data.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orchestrator.embedded.api import EmbeddedApi
from orchestrator.embedded.child import Child
from orchestrator.embedded.home import Home, explain
from orchestrator.embedded.idle import API, SCHEDULER, IdleWatch, url_as
from orchestrator.embedded.server import EmbeddedServer
from orchestrator.embedded.signals import StopSignals
from orchestrator.embedded.state import GuardianState
from orchestrator.programs import command_of
from orchestrator.settings import Settings

_SCHEDULER_PATIENCE = 10.0
_LONGEST_WAIT = 5.0


class Guardian:
    """Keeps a server, a scheduler and, once somebody wants it, an API alive. Made only by who holds
    the lock of the home."""

    def __init__(
        self, home: Home, settings: Settings, binary: Path, report: Callable[[str], None]
    ) -> None:
        self._home = home
        self._report = report
        self._server = EmbeddedServer(home, binary)
        self._scheduler = Child(
            name="scheduler",
            command=command_of("scheduler"),
            log=home.logs / "scheduler.log",
            environment={
                **os.environ,
                **settings.environment(),
                "ORCHESTRATOR_REDIS_URL": url_as(home, SCHEDULER),
            },
            folder=home.folder,
        )
        self._api = EmbeddedApi(settings, url_as(home, API), home.logs / "api.log", report)
        self._state = GuardianState(pid=os.getpid(), host=socket.gethostname(), url=home.url)

    def guard(self, signals: StopSignals, idle: IdleWatch | None) -> None:
        """Until a stop signal, or until ``idle`` is over; then everything ends in order."""
        self._report(f"guardian {os.getpid()} of {self._home.folder} begins")
        self._api.open()
        while not signals.stop and not (idle and self._may_leave(idle)):
            self._look()
            signals.wait(self._pause(idle), self._api.door if self._server.ready else None)
        self._report("told to stop" if signals.stop else "nobody needs the server")
        self._api.stop()
        self._scheduler.stop(_SCHEDULER_PATIENCE)
        self._server.stop()
        self._hidden_socket.unlink(missing_ok=True)
        self._home.state.unlink(missing_ok=True)
        self._report("ended")

    def _look(self) -> None:
        self._server.look()
        if death := self._scheduler.death():
            self._report(death)
        if self._server.ready and self._scheduler.is_due():
            self._start_scheduler()
        if self._server.ready:
            self._api.look()
        self._say()

    def _start_scheduler(self) -> None:
        try:
            self._scheduler.start()
        except OSError as error:
            self._report(f"the scheduler cannot be started: {explain(error)}")
            self._scheduler.put_off()

    def _pause(self, idle: IdleWatch | None) -> float:
        """Seconds until something is due; a child's death ends the wait by its signal."""
        if not self._server.ready:
            return self._server.pause()
        now = time.monotonic()
        due = [now + _LONGEST_WAIT]
        if self._scheduler.pid is None:
            due.append(self._scheduler.start_at)
        if idle:
            due.append(idle.next_look)
        return min(due) - now

    def _may_leave(self, idle: IdleWatch) -> bool:
        """Idle, and nobody can have come while that was found out: the socket is out of sight."""
        if not self._server.ready or not idle.is_over():
            return False
        self._home.socket.rename(self._hidden_socket)
        if idle.something_goes_on():
            self._hidden_socket.rename(self._home.socket)
            return False
        return True

    @property
    def _hidden_socket(self) -> Path:
        return self._home.socket.with_suffix(".closing")

    def _say(self) -> None:
        """Report what changed. A disk that refuses the file is no reason to end."""
        before, now = self._state, self._state_now()
        if now == before:
            return
        self._state = now
        if now.problem and now.problem != before.problem:
            self._report(now.problem)
        if now.ready and not before.ready:
            self._report(f"server {now.server_pid} answers at {now.url}")
        if now.scheduler_pid and now.scheduler_pid != before.scheduler_pid:
            self._report(f"scheduler {now.scheduler_pid} started")
        try:
            now.write(self._home.state)
        except OSError as error:
            self._report(f"cannot write {self._home.state}: {explain(error)}")

    def _state_now(self) -> GuardianState:
        return replace(
            self._state,
            server_pid=self._server.pid,
            ready=self._server.ready,
            scheduler_pid=self._scheduler.pid,
            page=self._api.page,
            problem=self._server.problem,
        )
