"""The runner's side of a spawner: the process that imports the user's code and forks its runs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable

from orchestrator.execution.pipe import Message, receive_packet, send_packet
from orchestrator.model.serving import ServingSpec
from orchestrator.programs import HOME, command_of

PROGRAM = HOME / "orchestrator" / "execution" / "spawner.py"
REPORT_URL = "ORCHESTRATOR_REDIS_URL"
REPORT_RETENTION_MS = "ORCHESTRATOR_REPORT_RETENTION_MS"
DEADLINES_OF_A_PACKET = 500
_HAS_MEMFD = hasattr(os, "memfd_create")


class Spawner:
    """One spawner process. ``heard`` takes its packets, None when it is gone."""

    def __init__(self, spec: ServingSpec) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = _readable(json.dumps(_config(spec)).encode())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM), str(theirs.fileno()), str(config)],
                pass_fds=(theirs.fileno(), config),
                stdin=subprocess.DEVNULL,
                # Who kills the runner's group must not take its last words with it.
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(config)
        self._is_writing = False
        self.is_alive = True
        self.is_loaded = False
        self.is_stale = False
        self.keys: set[str] = set()
        """Its runs whose processes are not known to be gone."""
        self._unsent: deque[tuple[Message, tuple[int, ...]]] = deque()

    @property
    def pid(self) -> int:
        return self._process.pid

    def listen(self, heard: Callable[[Spawner, Message | None], None]) -> None:
        """Begin to hear it, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._heard = heard
        self._ours.setblocking(False)
        self._loop.add_reader(self._ours.fileno(), self._read)

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        """Send without waiting; the descriptors are closed once they are sent, or cannot be."""
        if not self.is_alive:
            _close_all(descriptors)
            return
        self._unsent.append((message, descriptors))
        if len(self._unsent) == 1:
            self._write()

    def renew(self, deadlines: dict[str, float]) -> None:
        """Let these runs go on until new instants."""
        pairs = list(deadlines.items())
        for first in range(0, len(pairs), DEADLINES_OF_A_PACKET):
            some = dict(pairs[first : first + DEADLINES_OF_A_PACKET])
            self.send({"op": "leases", "deadlines": some})

    def close(self) -> None:
        """It is gone: stop hearing it."""
        self.is_alive = self.is_loaded = False
        for _, descriptors in self._unsent:
            _close_all(descriptors)
        self._unsent.clear()
        self._loop.remove_reader(self._ours.fileno())
        self._loop.remove_writer(self._ours.fileno())
        self._ours.close()

    async def gone(self) -> int:
        """Its exit code, when it has ended."""
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - not every system tells
            await asyncio.sleep(0.005)
        return code

    def kill(self) -> None:
        self._process.kill()

    def _read(self) -> None:
        while self._ours.fileno() >= 0:
            try:
                message, _ = receive_packet(self._ours)
            except BlockingIOError:
                return
            except ConnectionResetError:
                message = None
            self._heard(self, message)
            if message is None:
                return

    def _write(self) -> None:
        while self._unsent:
            message, descriptors = self._unsent[0]
            try:
                send_packet(self._ours, message, descriptors)
            except BlockingIOError:
                self._is_writing = True
                self._loop.add_writer(self._ours.fileno(), self._write)
                return
            except (BrokenPipeError, ConnectionResetError):
                pass  # its end of file says so to whoever reads
            _close_all(descriptors)
            self._unsent.popleft()
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._ours.fileno())


def _config(spec: ServingSpec) -> Message:
    return {
        "flows": {name: dict(source) for name, source in spec.sources.items()},
        "isolation": {d.full_name: d.options.isolation for d in spec.definitions},
        "sys_path": list(spec.sys_path),
        "cwd": spec.cwd,
        "log_level": spec.log_level,
        # The way to the server is for the last words only; run processes never see it.
        "report": {
            "argv": command_of("runner", "report"),
            "environment": {
                **os.environ,
                REPORT_URL: spec.url,
                REPORT_RETENTION_MS: str(spec.retention_ms),
            },
        },
    }


def _readable(data: bytes) -> int:
    """A descriptor to read ``data`` from; nameless, since ``data`` may hold a password."""
    descriptor = os.memfd_create("spawner-config") if _HAS_MEMFD else _unlinked_file()
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _unlinked_file() -> int:
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)  # noqa: PTH108 - nobody ever opens it by name
    return descriptor


def _close_all(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
