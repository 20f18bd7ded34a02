"""Stop the server of a home, whoever uses it. Runs that go on are taken up when it is back."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from orchestrator.embedded.home import Home
from orchestrator.embedded.lock import take_lock
from orchestrator.embedded.state import read_state
from orchestrator.model.errors import EmbeddedServerFailed
from orchestrator.settings import Settings

_LOOK_EVERY = 0.02


def stop_server(settings: Settings, patience: float = 30.0) -> bool:
    """Whether there was one; on return it has ended and its data is written.

    Raises:
        EmbeddedServerFailed: its guardian did not end within ``patience`` seconds.
    """
    home = Home(settings.home)
    if not home.lock.exists() or _is_free(home):
        return False
    deadline = time.monotonic() + patience
    asked = None
    while not _is_free(home):
        state = read_state(home.state)
        if state and state.pid and state.pid != asked:
            asked = state.pid
            with suppress(ProcessLookupError):
                os.kill(asked, signal.SIGTERM)
        if time.monotonic() > deadline:
            why = f"its guardian {asked or ''} does not end"
            raise EmbeddedServerFailed(home.url, why, f"look into {home.logs}")
        time.sleep(_LOOK_EVERY)
    return True


def _is_free(home: Home) -> bool:
    held = take_lock(home.lock)
    if held is None:
        return False
    os.close(held)
    return True
