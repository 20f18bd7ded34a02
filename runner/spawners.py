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
from pathlib import Path
from typing import Self

from orchestrator.execution.lacking import lacking
from orchestrator.execution.pipe import Message, receive_packet, send_packet
from orchestrator.model.code import Code
from orchestrator.model.serving import ServingSpec, Source
from orchestrator.programs import HOME, command_of
from orchestrator.sources.checkouts import use

from . import events

PROGRAM = HOME / "orchestrator" / "execution" / "spawner.py"
REPORT_URL = "ORCHESTRATOR_REDIS_URL"
REPORT_LEASE_SECONDS = "ORCHESTRATOR_REPORT_LEASE_SECONDS"
REPORT_RETENTION_MS = "ORCHESTRATOR_REPORT_RETENTION_MS"
DEADLINES_OF_A_PACKET = 500
_HAS_MEMFD = hasattr(os, "memfd_create")


class Spawner:
    """One spawner process, for the code of one place. It can be spoken to before it is there:
    it hears when it has loaded. ``heard`` takes its packets, None when it is gone."""

    def __init__(self, key: str) -> None:
        self.key = key
        """Of the place that its code comes from."""
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_writing = False
        self.is_alive = True
        self.is_loaded = False
        self.is_stale = False
        self.code: Code | None = None
        """The checkout; None for code beside the script."""
        self.content = ""
        """The hash of what it has loaded."""
        self.isolation: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        """Full name -> why the flow could not be loaded."""
        self.hooks: dict[str, list[str]] = {}
        """Full name -> final states for which its flow has hooks."""
        self.misfits: dict[str, str] = {}
        """Full name -> how its parameters differ from what was registered."""
        self.keys: set[str] = set()
        """Its runs whose processes are not known to be gone."""
        self._unsent: deque[tuple[Message, tuple[int, ...]]] = deque()

    def start(self, spec: ServingSpec, code: Code | None = None) -> Self:
        """Begin the process, which loads its place's flows, from this checkout."""
        self.code = code
        self.content = code.content if code is not None else ""
        try:
            self._process = _process(spec, self.key, code, self._theirs.fileno())
        except OSError as error:
            if (what := lacking(error)) is None:
                raise
            # Who listens hears that it has ended at once, and replaces it after a pause.
            events.error("A spawner could not be started.", why=what)
        finally:
            self._theirs.close()
        return self

    def give_up(self) -> None:
        """Never start: it is gone."""
        self._theirs.close()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def commit(self) -> str:
        """What its runs record; empty when the code has none."""
        return self.code.commit or "" if self.code is not None else ""

    def loaded(self, packet: Message) -> None:
        """It has loaded, with this outcome."""
        self.is_loaded = True
        self.isolation, self.hooks = packet["isolation"], packet["hooks"]
        self.faults = {name: why for name, why in packet["flows"].items() if why}
        self.misfits = packet["misfits"]
        self.content = self.content or packet["content"]

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

    async def gone(self) -> int | None:
        """Its exit code, when it has ended; None when it never began."""
        if self._process is None:
            return None
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - not every system tells
            await asyncio.sleep(0.005)
        return code

    def kill(self) -> None:
        if self._process is None:
            self.give_up()
        else:
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


def _process(
    spec: ServingSpec, key: str, code: Code | None, control: int
) -> subprocess.Popen[bytes]:
    """Raises OSError where the system lacks something."""
    # Open in the spawner as well: the checkout stays as long as one of the two lives.
    used = use(code) if code is not None and code.revision else None
    try:
        config = _readable(json.dumps(_config(spec, key, code, used)).encode())
        try:
            return subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM), str(control), str(config)],
                pass_fds=[control, config, *([] if used is None else [used])],
                stdin=subprocess.DEVNULL,
                # Who kills the runner's group must not take its last words with it.
                start_new_session=True,
            )
        finally:
            os.close(config)
    finally:
        if used is not None:
            os.close(used)


def _config(spec: ServingSpec, key: str, code: Code | None, used: int | None) -> Message:
    flows = spec.flows_of(key)
    folder = None if code is None else code.folder
    return {
        "flows": {name: _inside(source, folder) for name, source in flows.items()},
        "isolation": {
            d.full_name: d.options.isolation for d in spec.definitions if d.full_name in flows
        },
        "sys_path": list(spec.sys_path) if folder is None else [folder],
        "cwd": spec.cwd if folder is None else folder,
        "checkout": used,
        "schemas": {name: source["schema"] for name, source in flows.items() if "schema" in source},
        "log_level": spec.log_level,
        # The way to the server is for the last words only; run processes never see it.
        "report": {
            "argv": command_of("runner", "report"),
            "environment": {
                **os.environ,
                REPORT_URL: spec.url,
                REPORT_LEASE_SECONDS: str(spec.lease_seconds),
                REPORT_RETENTION_MS: str(spec.retention_ms),
            },
        },
    }


def _inside(source: Source, folder: str | None) -> dict[str, str]:
    """The source as the spawner understands it: paths are full ones."""
    ours = {name: text for name, text in source.items() if name not in ("storage", "schema")}
    if folder is not None and "path" in ours:
        ours["path"] = str(Path(folder, ours["path"]))
    return ours


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
