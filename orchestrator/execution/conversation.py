"""A run process's side of the stream to its runner: messages, and numbered questions."""

from __future__ import annotations

import os
import select
import threading
from functools import cached_property
from typing import Any

from orchestrator.execution.cancellation import cancellation
from orchestrator.execution.loopwaits import LoopWaits
from orchestrator.execution.pipe import Lines, Message, encode
from orchestrator.model import errors

_PIECE = 65_536


class Conversation:
    """Questions may come from several threads and event loops. Of the threads that wait one reads
    for all; an event loop reads whenever there is something and no thread is at it."""

    def __init__(self, channel: int) -> None:
        """``channel``: the descriptor, from now on ours, of a stream socket that blocks."""
        self._channel = channel
        self._lines = Lines()
        self._process = os.getpid()
        self._asked = 0
        self._heard: list[Message] = []
        self._replies: dict[int, Message] = {}
        self._reading = self._gone = False
        self._lock = threading.RLock()

    # Both are made with the lock held, for who asks; most runs never do.
    @cached_property
    def _loops(self) -> LoopWaits:
        return LoopWaits(self._channel, self._read_in_loop)

    @cached_property
    def _changed(self) -> threading.Condition:
        return threading.Condition(self._lock)

    def tell(self, message: Message) -> None:
        """Send a message that has no answer.

        Raises:
            RuntimeError: this process was forked by the run; the stream is not its own.
        """
        if os.getpid() != self._process:
            raise RuntimeError("do this in the run's own process, not in one that it started")
        with self._lock:
            data = encode(message)
            while data:
                data = data[os.write(self._channel, data) :]

    def hear(self) -> Message | None:
        """The next message that is no answer; None when the runner is gone."""
        while not self._heard and not self._gone:
            self._read()
        return self._heard.pop(0) if self._heard else None

    def ask(self, method: str, arguments: dict[str, Any]) -> Any:
        """The runner's answer to a question.

        Raises:
            RuntimeError: this process was forked by the run; the stream is not its own.
            ServerUnavailable: the runner is gone.
        """
        with self._lock:
            self._asked += 1
            number = self._asked
            self.tell(_question(number, method, arguments))
        return _answer(self._reply_to(number))

    async def ask_in_loop(self, method: str, arguments: dict[str, Any]) -> Any:
        """The same for code in an event loop, which goes on meanwhile. Who is cancelled while it
        waits lets the runner know.

        Raises: as ``ask``.
        """
        with self._lock:
            self._asked += 1
            number = self._asked
            answered = self._loops.expect(number)
            try:
                if self._gone:
                    raise _runner_is_gone()
                self.tell(_question(number, method, arguments))
            except BaseException:
                self._loops.forget(number)
                raise
        try:
            reply = await answered
        finally:
            with self._lock:
                if self._loops.forget(number) and not self._gone:
                    self.tell({"op": "withdraw", "n": number})
        if reply is None:
            raise _runner_is_gone()
        return _answer(reply)

    def _reply_to(self, number: int) -> Message:
        while True:
            reads = False
            try:
                with self._lock:
                    while self._reading and number not in self._replies:
                        self._changed.wait()
                    if number in self._replies:
                        return self._replies.pop(number)
                    if self._gone:
                        raise _runner_is_gone()
                    self._reading = reads = True
                self._read()
            finally:  # a signal may raise between any two lines, also before the reading begins
                if reads:
                    self._stop_reading()

    def _read_in_loop(self) -> None:
        with self._lock:
            if self._reading:
                return  # a thread has it in a moment, and hands on what is for us
            self._reading = True
        try:
            if self._has_something():  # else somebody was faster
                self._read()
        finally:
            self._stop_reading()

    def _has_something(self) -> bool:
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        return bool(poll.poll(0))

    def _stop_reading(self) -> None:
        with self._lock:
            self._reading = False
            self._changed.notify_all()

    def _read(self) -> None:
        """Read what there is, for all who wait."""
        messages: list[Message] = []
        gone = False
        try:
            data = os.read(self._channel, _PIECE)
            gone = not data
            messages = self._lines.feed(data)
        except ConnectionResetError:
            gone = True
        finally:
            with self._lock:
                self._gone |= gone
                for message in messages:
                    self._take(message)
                if gone:
                    self._loops.end()

    def _take(self, message: Message) -> None:
        if message["op"] != "reply":
            self._heard.append(message)
        elif not self._loops.settle(message["n"], message):
            self._replies[message["n"]] = message


def _question(number: int, method: str, arguments: dict[str, Any]) -> Message:
    return {"op": "request", "n": number, "method": method, "arguments": arguments}


def _runner_is_gone() -> errors.ServerUnavailable:
    return errors.ServerUnavailable("runner", "the runner of this run is gone")


def _answer(reply: Message) -> Any:
    if reply.get("stopping"):
        cancellation.announced()
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    raise _remade(error["type"], error["message"])


def _remade(name: str, message: str) -> errors.OrchestratorError:
    """The error that the runner met, of the same class, with the text it had there."""
    kind = getattr(errors, name, errors.OrchestratorError)
    if not (isinstance(kind, type) and issubclass(kind, errors.OrchestratorError)):
        kind = errors.OrchestratorError
    # Built without its constructor: the fields stayed behind, the text has all of them.
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error
