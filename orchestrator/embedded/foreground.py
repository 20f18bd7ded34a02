"""``orchestrator server start``: the server, its scheduler and its API in front of a person."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from orchestrator.embedded.api import EmbeddedApi
from orchestrator.embedded.child import Child
from orchestrator.embedded.guardian import Guardian
from orchestrator.embedded.home import Home
from orchestrator.embedded.journal import Journal, LogTail
from orchestrator.embedded.post import take_post
from orchestrator.embedded.signals import StopSignals, stop_signals
from orchestrator.embedded.state import read_state
from orchestrator.programs import command_of
from orchestrator.settings import Settings

Report = Callable[[str], None]

_LOOK_EVERY = 0.25
_LOOK_AGAIN = 1.0
_PATIENCE = 10.0

_HOPELESS = (2, 3)
"""Exit codes of a scheduler that would end so again: wrong settings, no server to work for."""


def run_server_in_foreground(settings: Settings, report: Report) -> int:
    """Serve until SIGINT or SIGTERM; the exit code.

    With a URL configured only scheduler and API run, for that server. Else we are the guardian of
    the home, or show what the living one does and take its place should it go.

    Raises:
        EmbeddedServerFailed: the home cannot be used, or this machine has no server.
    """
    if settings.redis_url is not None:
        return _beside_server(settings, report)
    home = Home(settings.home)
    with stop_signals() as signals:
        while not signals.stop:
            post = take_post(home)
            if post is None:
                _attend(home, signals, report)
                continue
            # Idleness does not count while a person watches.
            journal = Journal(post.log, echo=report)
            Guardian(home, settings, post.binary, journal).guard(signals, idle=None)
            post.leave()
    return 0


def _beside_server(settings: Settings, report: Report) -> int:
    """Scheduler and API for a server that others have started."""
    from orchestrator.store.connection import mask

    report(f"scheduler and API for {mask(settings.redis_url or '')}; no server is started")
    scheduler = Child(
        name="scheduler",
        command=command_of("scheduler"),
        log=None,
        environment={**os.environ, **settings.environment()},
        folder=Path.cwd(),
    )
    api = EmbeddedApi(settings, settings.redis_url or "", None, report)
    api.open()
    with stop_signals() as signals:
        while not signals.stop and scheduler.status not in _HOPELESS:
            if death := scheduler.death():
                report(death)
            elif scheduler.is_due():
                scheduler.start()
            api.look()
            signals.wait(_LOOK_AGAIN, api.door)
        api.stop()
        scheduler.stop(_PATIENCE)
    return 0 if signals.stop else scheduler.status or 0


def _attend(home: Home, signals: StopSignals, report: Report) -> None:
    """Show the living guardian's log. Our connection keeps it from leaving; its end ends this."""
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(str(home.socket))
        except OSError:  # not up yet, or just gone: the caller looks again who lives
            signals.wait(_LOOK_EVERY)
            return
        link.setblocking(False)
        tail = LogTail(home.logs / "guardian.log")
        state = read_state(home.state)
        guardian = f"guardian {state.pid}" if state else "a guardian"
        report(f"{guardian} already serves {home.folder} at {home.url}; Ctrl-C leaves it running")
        if state and state.page:
            report(f"API and pages at {state.page}")
        while not signals.stop and _is_open(link):
            signals.wait(_LOOK_EVERY)
            for line in tail.lines():
                report(line)


def _is_open(link: socket.socket) -> bool:
    try:
        return link.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
