"""A run process's side of the stream to its runner: messages, and numbered questions."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

from orchestrator.execution.pipe import Lines, Message, encode
from orchestrator.model import errors

_PIECE = 65_536


class Conversation:
    """Questions may come from several threads; whoever waits first reads for all."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lines = Lines()
        self._arrived: list[Message] = []
        self._process = os.getpid()
        self._asked = 0
        self._replies: dict[int, Message] = {}
        self._reading = False
        self._changed = threading.Condition()

    def tell(self, message: Message) -> None:
        """Send a message that has no answer.

        Raises:
            RuntimeError: this process was forked by the run; the stream is not its own.
        """
        if os.getpid() != self._process:
            raise RuntimeError("do this in the run's own process, not in one that it started")
        with self._changed:
            self._channel.sendall(encode(message))

    def hear(self) -> Message | None:
        """The next message; None when the runner is gone."""
        while not self._arrived:
            data = self._channel.recv(_PIECE)
            if not data:
                return None
            self._arrived = self._lines.feed(data)
        return self._arrived.pop(0)

    def ask(self, method: str, arguments: dict[str, Any]) -> Any:
        """The runner's answer to a question.

        Raises:
            RuntimeError: this process was forked by the run; the stream is not its own.
            ServerUnavailable: the runner is gone.
        """
        with self._changed:
            self._asked += 1
            number = self._asked
            question = {"op": "request", "n": number, "method": method, "arguments": arguments}
            self.tell(question)
        return _answer(self._reply_to(number))

    def _reply_to(self, number: int) -> Message:
        while True:
            with self._changed:
                while number not in self._replies and self._reading:
                    self._changed.wait()
                if number in self._replies:
                    return self._replies.pop(number)
                self._reading = True
            self._read_one()

    def _read_one(self) -> None:
        message = None
        try:
            message = self.hear()
        finally:
            with self._changed:
                self._reading = False
                if message is not None and message["op"] == "reply":
                    self._replies[message["n"]] = message
                self._changed.notify_all()
        if message is None:
            raise errors.ServerUnavailable("runner", "the runner of this run is gone")


def _answer(reply: Message) -> Any:
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
