"""Waiting that a signal cuts short."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignals:
    """Whether we were told to stop; any signal, a child's death too, ends a wait at once."""

    def __init__(self, wakeup: int) -> None:
        self._wakeup = wakeup
        self.stop = False

    def wait(self, seconds: float, door: socket.socket | None = None) -> None:
        """Until something happens, also at the ``door``, or ``seconds`` have passed."""
        watched: list[int | socket.socket] = (
            [self._wakeup] if door is None else [self._wakeup, door]
        )
        if self._wakeup in select.select(watched, [], [], max(seconds, 0))[0]:
            os.read(self._wakeup, 4096)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop = True


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler there must be: without one the signal does not end a wait."""


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Listen for signals within the block. Main thread only.

    SIGHUP stops too, unless it is ignored already: by ``nohup``, or by who has no terminal.
    """
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signals = StopSignals(reading)
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, signals._on_stop),
        signal.SIGINT: signal.signal(signal.SIGINT, signals._on_stop),
        signal.SIGCHLD: signal.signal(signal.SIGCHLD, _nothing),
    }
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signals._on_stop)
    old_wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(old_wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
