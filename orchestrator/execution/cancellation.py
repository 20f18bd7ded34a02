"""SIGTERM in a run process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from orchestrator.model.errors import RunCancelled

if TYPE_CHECKING:
    import asyncio

_WHY = "the run is being stopped"


class Cancellation:
    """SIGTERM: raises RunCancelled in user code, once; before that it ends the process. In an event
    loop the task that is interrupted gets it, and all others are cancelled.

    Installed ahead of the fork, while the signal is blocked: less to do on the way of each run.
    """

    def __init__(self) -> None:
        self.asked = False
        self._run: int | None = None
        self._armed = False

    def install(self) -> None:
        """Take over the signals of this process, whatever user code has done with them."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, self)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would take exit codes away

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._run:
            # Not begun; or a child that user code forked (a worker of multiprocessing).
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.asked = True
        self._raise_once()

    def announced(self) -> None:
        """The runner is stopping this run; its signal comes, if it has not come yet.

        Raises:
            RunCancelled: it has not. Code that goes on after it (``finally``) does so on purpose.
        """
        if self.asked:
            return
        if threading.current_thread() is threading.main_thread():
            self.asked = True
            self._raise_once()
        else:
            raise RunCancelled(_WHY)

    def begin(self) -> None:
        """This process is a run from now on."""
        self._run = os.getpid()

    def arm(self) -> None:
        """User code begins."""
        self._armed = True
        if self.asked:
            self._raise_once()

    def disarm(self) -> None:
        """User code has ended; what follows is not to be interrupted."""
        self._armed = False

    def _raise_once(self) -> None:
        if self._armed:
            self._armed = False  # a second signal must not cut the finally blocks short
            loop = _running_loop()
            if loop is None or _cancel_others(loop):
                raise RunCancelled(_WHY)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop in which this thread is; most runs have none, and never import any."""
    loaded = sys.modules.get("asyncio")
    if not hasattr(loaded, "run"):  # not imported, or not yet all of it
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _cancel_others(loop: asyncio.AbstractEventLoop) -> bool:
    """Cancel the tasks whose turn it is not; whether it is any task's turn, so that it gets what is
    raised now. Between two turns the loop swallows exceptions; and who has the turn need not be the
    flow."""
    import asyncio

    interrupted = asyncio.current_task(loop)
    for task in asyncio.all_tasks(loop) - {interrupted}:
        loop.call_soon_threadsafe(task.cancel)
    return interrupted is not None


cancellation = Cancellation()
