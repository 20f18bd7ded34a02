"""How the processes of one host speak: JSON in packets (descriptors beside them) or in lines."""

from __future__ import annotations

import json
import os
import socket
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

LARGEST_PACKET = 160_000
"""Bytes of one packet. The kernel refuses what does not fit into its default socket buffer."""

FRAME = b"\x1e"
"""Begins a line of a run's output that holds a log record as JSON."""

LONGEST_FRAME = 16_000
"""Bytes of such a line: long enough for nearly all, short enough to wait for its end."""

HOOKS_SECONDS = 60.0
"""How long a process may take that is told ``hooks``, then it is killed."""

FOREIGN_SIGTERM = "killed by SIGTERM, which its runner did not send"
"""How a run ended that heard SIGTERM although nobody had asked its runner to stop it."""

_MOST_DESCRIPTORS = 4
_to_json = json.JSONEncoder(separators=(",", ":")).encode
read_json = json.JSONDecoder().raw_decode
"""The value that a text of ours begins with, and where it ends."""
CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def encode(message: Message) -> bytes:
    """The message as JSON on one line, newline included."""
    return _to_json(message).encode() + b"\n"


class Lines:
    """Messages out of a stream of bytes, wherever the bytes are cut."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order."""
        self._pieces.append(data)
        if b"\n" not in data:
            return []  # joined only when a line ends: a long result comes in thousands of pieces
        *lines, rest = b"".join(self._pieces).split(b"\n")
        self._pieces = [rest]
        return [read_json(line.decode())[0] for line in lines if line]


def send_packet(channel: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one packet; the receiver gets its own copies of the descriptors."""
    data = _to_json(message).encode()
    if descriptors:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
        channel.sendmsg([data], [rights])
    else:
        channel.send(data)


def receive_packet(channel: socket.socket) -> tuple[Message | None, list[int]]:
    """The next packet and the descriptors that came with it; (None, []) at end of file."""
    room = socket.CMSG_LEN(_MOST_DESCRIPTORS * array("i").itemsize)
    data, extras, _flags, _address = channel.recvmsg(LARGEST_PACKET, room, CLOSE_ON_EXEC)
    descriptors = array("i")
    for level, kind, content in extras:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            whole = len(content) - len(content) % descriptors.itemsize
            descriptors.frombytes(content[:whole])
    if not data:
        close_all(descriptors)
        return None, []
    return read_json(data.decode())[0], list(descriptors)


def close_all(descriptors: Sequence[int]) -> None:
    """Close them."""
    for descriptor in descriptors:
        os.close(descriptor)


class Outbox:
    """Packets on their way to a peer that may be slow or stopped: sending never waits.

    A runner under Ctrl-Z reads nothing; whoever writes to it must still keep its deadlines.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._waiting: deque[Message] = deque()

    def put(self, message: Message) -> None:
        """Send it, or keep it until the peer reads again."""
        self._waiting.append(message)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now."""
        while self._waiting:
            try:
                send_packet(self._channel, self._waiting[0])
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                # The peer is gone; its end of file says so to whoever reads.
                self._waiting.clear()
                return
            self._waiting.popleft()

    def is_empty(self) -> bool:
        """Whether the peer has been sent everything."""
        return not self._waiting
