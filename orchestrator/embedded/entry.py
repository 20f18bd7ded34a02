"""How a guardian comes to life in the background."""

from __future__ import annotations

import os
import signal
import sys
from io import FileIO

from orchestrator.embedded.ensure import TAKEN
from orchestrator.embedded.guardian import Guardian
from orchestrator.embedded.home import Home
from orchestrator.embedded.idle import IdleWatch
from orchestrator.embedded.journal import Journal
from orchestrator.embedded.post import take_post
from orchestrator.embedded.signals import stop_signals
from orchestrator.model.errors import EmbeddedServerFailed
from orchestrator.settings import load_settings


def main() -> int:
    """Be the guardian of the home that the environment names, detached; 0 as soon as it lives.

    Returns TAKEN when another one lives, 1 with a line on standard error when none can.
    """
    settings = load_settings()
    home = Home(settings.home)
    try:
        post = take_post(home)
    except EmbeddedServerFailed as error:
        sys.stderr.write(f"{error.why}\n")
        return 1
    if post is None:
        return TAKEN
    _detach(post.log)
    with stop_signals() as signals:
        idle = IdleWatch(home, settings.server_idle_minutes * 60)
        Guardian(home, settings, post.binary, Journal(post.log)).guard(signals, idle)
    post.leave()
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
