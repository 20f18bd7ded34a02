"""How a guardian comes to life in the background."""

from __future__ import annotations

import os
import signal
import sys
from io import FileIO

from orchestrator.embedded.binary import NoBinary, find_binary
from orchestrator.embedded.ensure import TAKEN
from orchestrator.embedded.guardian import Guardian
from orchestrator.embedded.home import Home, explain
from orchestrator.embedded.idle import IdleWatch
from orchestrator.embedded.journal import Journal, open_log
from orchestrator.embedded.lock import take_lock
from orchestrator.embedded.signals import stop_signals
from orchestrator.embedded.state import forget_state
from orchestrator.model.errors import EmbeddedServerFailed
from orchestrator.settings import load_settings


def main() -> int:
    """Be the guardian of the home that the environment names, detached; 0 as soon as it lives.

    Returns TAKEN when another one lives, 1 with a line on standard error when none can.
    """
    settings = load_settings()
    home = Home(settings.home)
    try:
        home.prepare()
        binary = find_binary()
        lock = take_lock(home.lock)
        if lock is None:
            return TAKEN
        forget_state(home.state)  # also tells whether the disk takes anything
        log = open_log(home.logs / "guardian.log")
    except (EmbeddedServerFailed, NoBinary) as error:
        return _refuse(error.why)
    except OSError as error:
        return _refuse(f"{error.filename or home.folder}: {explain(error)}")
    _detach(log)
    with stop_signals() as signals:
        idle = IdleWatch(home, settings.server_idle_minutes * 60)
        Guardian(home, settings, binary, Journal(log)).guard(signals, idle)
    os.close(lock)
    return 0


def _detach(log: FileIO) -> None:
    """Leave the caller's session and terminal; who started us sees an orderly end.

    The child shares the open lock file, and so the lock.
    """
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1
