"""SIGTERM in a run process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from orchestrator.model.errors import RunCancelled

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
            if _is_anybody_s_turn():
                raise RunCancelled(_WHY)


def _is_anybody_s_turn() -> bool:
    """Whether an exception that is raised here reaches user code. What an event loop is at between
    two turns of tasks swallows exceptions; and a task that ends by one need not be the flow."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not hasattr(asyncio, "run"):  # nobody has imported it, or all of it
        return True
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return True
    interrupted = asyncio.current_task(loop)
    for task in asyncio.all_tasks(loop) - {interrupted}:
        loop.call_soon_threadsafe(task.cancel)
    return interrupted is not None


cancellation = Cancellation()
