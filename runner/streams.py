"""The runner's ends of what connects it to one run process: its control stream and its output."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Protocol

from orchestrator.execution.lacking import spare_some
from orchestrator.execution.pipe import Lines, Message, encode

CHUNK = 256 * 1024

RESERVE = 32
"""Descriptors that no run gets: without any a runner could not even reconnect."""


class ControlStream:
    """JSON messages to and from a run process, without ever waiting for it."""

    def __init__(self, ours: socket.socket, heard: Callable[[Message], None]) -> None:
        self._ours, self._heard = ours, heard
        self._lines = Lines()
        self._unsent = b""
        self._is_writing = False
        self._loop = asyncio.get_running_loop()
        ours.setblocking(False)
        # By number throughout: for objects, selectors prepare an error text with every miss.
        self._loop.add_reader(ours.fileno(), self._read)
        self._is_reading = True

    def send(self, message: Message) -> None:
        """Send as soon as the process reads; dropped when it is gone."""
        self._unsent += encode(message)
        if not self._is_writing:
            self._write()

    def finish(self) -> None:
        """The process is gone: take what it still had said, and close. Once is enough."""
        if self._ours.fileno() < 0:
            return
        while self._is_reading and self._read():
            pass
        self._stop_reading()
        self._stop_writing()
        self._ours.close()

    def _read(self) -> bool:
        """Whether there may be more."""
        try:
            data = self._ours.recv(CHUNK)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self._stop_reading()
            return False
        for message in self._lines.feed(data):
            self._heard(message)
        return True

    def _write(self) -> None:
        try:
            sent = self._ours.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except (BrokenPipeError, ConnectionResetError):
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._stop_writing()
        elif not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._ours.fileno(), self._write)

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._ours.fileno())

    def _stop_writing(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._ours.fileno())


class Sink(Protocol):
    """Where output goes."""

    resume: Callable[[], None]

    def feed(self, data: bytes) -> bool:
        """Take some; False: no more until ``resume`` is called."""


class Lifelines:
    """What connects the runner to one run process: both streams, and the process's ends of them."""

    def __init__(self, told: Callable[[Message], None], log: Sink) -> None:
        ours, theirs = _control_ends()
        output_ours, output_theirs = os.pipe()
        self._control = ControlStream(ours, told)
        self._output = Output(output_ours, log.feed)
        log.resume = self._output.resume
        self.ends = (theirs.detach(), output_theirs)
        """For the process: who sends them to it closes them."""

    def send(self, message: Message) -> None:
        """As ``ControlStream.send``."""
        self._control.send(message)

    def finish(self) -> None:
        """The process is gone: take all that it still said and printed."""
        self._control.finish()
        self._output.finish()


def _control_ends() -> tuple[socket.socket, socket.socket]:
    """Both ends of a control stream.

    Raises:
        OSError: too few descriptors are left for a run.
    """
    ours, theirs = socket.socketpair()
    try:
        spare_some((ours.fileno(), theirs.fileno()), RESERVE)
    except OSError:
        ours.close()
        theirs.close()
        raise
    return ours, theirs


class Output:
    """What a run process and all its children print. Nobody reads it while ``heard`` wants no more:
    they wait then, as soon as the pipe is full."""

    def __init__(self, ours: int, heard: Callable[[bytes], bool]) -> None:
        self._ours, self._heard = ours, heard
        self._loop = asyncio.get_running_loop()
        os.set_blocking(ours, False)
        self._is_reading = self._has_ended = False
        self.resume()

    def resume(self) -> None:
        """Read, until ``heard`` says False or there will be no more."""
        if self._ours >= 0 and not (self._is_reading or self._has_ended):
            self._is_reading = True
            self._loop.add_reader(self._ours, self._read)

    def finish(self) -> None:
        """The processes are gone: take what is still in the pipe, and close. Once is enough."""
        if self._ours < 0:
            return
        while not self._has_ended and self._read():
            pass
        self._stop_reading()
        os.close(self._ours)
        self._ours = -1

    def _read(self) -> bool:
        """Whether there may be more."""
        try:
            data = os.read(self._ours, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._has_ended = True
            self._stop_reading()
            return False
        if not self._heard(data):
            self._stop_reading()
        return True

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._ours)
