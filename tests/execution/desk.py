"""A runner's desk for the tests: a real spawner process, and the three lines to its runs."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orchestrator
from orchestrator.execution.pipe import Lines, Message, encode, receive_packet, send_packet
from orchestrator.model.clock import SystemClock

SPAWNER = Path(orchestrator.__file__).parent / "execution" / "spawner.py"
PATIENCE = 60.0
FAR = 3600.0


@dataclass
class Desk:
    """Speaks to one spawner as a runner does."""

    folder: Path
    flows: dict[str, dict[str, str]]
    isolation: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    log_level: str = "INFO"
    report: list[str] = field(default_factory=lambda: ["/bin/true"])
    packets: list[Message] = field(default_factory=list)
    lines: list[RunLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        config = {
            "flows": self.flows,
            "isolation": self.isolation,
            "sys_path": [str(self.folder)],
            "cwd": str(self.folder),
            "log_level": self.log_level,
            "report": {"argv": self.report, "environment": {"MARK": "helper"}},
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(SPAWNER), str(theirs.fileno()), str(reading)],
            pass_fds=(theirs.fileno(), reading),
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
        )
        theirs.close()
        os.close(reading)
        with open(writing, "w") as pipe:
            json.dump(config, pipe)

    def say(self, op: str, **fields: Any) -> None:
        send_packet(self.control, {"op": op, **fields})

    def heard(self, op: str, key: str | None = None) -> Message:
        """The first packet of this kind (about this run), waited for."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for packet in self.packets:
                if packet["op"] == op and key in (None, packet.get("key")):
                    return packet
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.control], [], [], max(left, 0))
            assert ready, f"no {op!r} for {key} in {PATIENCE} s; heard {self.packets}"
            message, _ = receive_packet(self.control)
            assert message is not None, f"the spawner ended; heard {self.packets}"
            self.packets.append(message)

    def run(self, flow: str = "f", **options: Any) -> RunLine:
        """Ask for a run and return the line to it; nothing of it has been waited for."""
        line = RunLine(self, f"run{len(self.lines)}:1.token{len(self.lines)}", flow)
        self.lines.append(line)
        line.ask(options)
        return line

    def completed(self, flow: str = "f", **parameters: Any) -> RunLine:
        """A run from asking to its end, all its limits far away."""
        line = self.run(flow)
        line.go(parameters)
        line.finished()
        return line

    def hang_up(self) -> None:
        """What the death of the runner looks like from below."""
        self.control.close()

    def close(self) -> None:
        self.control.close()
        for line in self.lines:
            line.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()


@dataclass
class RunLine:
    """One run: its control stream, its output, and what the spawner says about it."""

    desk: Desk
    key: str
    flow: str
    output: bytes = b""

    def ask(self, options: dict[str, Any]) -> None:
        self.stream, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._reading, writing = os.pipe()
        defaults = {"timeout": None, "grace": FAR, "deadline": SystemClock().elapsed() + FAR}
        defaults |= {"memory_limit": None, "cpu_limit": None}
        request = {"op": "run", "key": self.key, "run_id": self.key.partition(":")[0]}
        message = {**request, "flow": self.flow, **defaults, **options}
        send_packet(self.desk.control, message, [theirs.fileno(), writing])
        theirs.close()
        os.close(writing)
        self._lines = Lines()
        self._arrived: list[Message] = []
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def go(
        self, parameters: dict[str, Any] | None = None, lease: float = FAR, **other: Any
    ) -> None:
        """Let user code begin as soon as the process hears; the lease lasts so long."""
        until = SystemClock().elapsed() + lease
        self.begin({"op": "go", "run": self.told(parameters, other), "until": until})

    def begin(self, order: Message) -> None:
        """Tell the process what to do; a fresh interpreter says when it hears."""
        if self.desk.heard("loaded")["isolation"][self.flow] != "fork":
            assert self.next()["op"] == "ready"
        self.desk.say("begun", key=self.key)
        self.tell(order)

    def told(
        self, parameters: dict[str, Any] | None = None, other: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the process is told of its run."""
        return {
            "id": self.key.partition(":")[0],
            "name": "calm-otter",
            "attempt": 1,
            "token": self.key.partition(":")[2],
            "parameters": json.dumps(parameters or {}),
            "tags": ["a"],
            "deployment": f"{self.flow}/test",
            "flow": self.flow,
            "scheduled_at": 1_700_000_000_000,
            "created_by": "test",
            "retries_left": 0,
            **(other or {}),
        }

    def tell(self, message: Message) -> None:
        self.stream.sendall(encode(message))

    def next(self) -> Message:
        """The run's next message."""
        self.stream.settimeout(PATIENCE)
        while not self._arrived:
            data = self.stream.recv(65_536)
            assert data, f"the run said nothing more; output: {self.output!r}"
            self._arrived = self._lines.feed(data)
        return self._arrived.pop(0)

    def question(self) -> dict[str, Any]:
        """The arguments of the run's next request: how the tests' flows tell of themselves."""
        message = self.next()
        assert message["op"] == "request", message
        arguments: dict[str, Any] = message["arguments"]
        self.asked = message["n"]
        return arguments

    def answer(self, result: Any = None) -> None:
        self.tell({"op": "reply", "n": self.asked, "result": result})

    @property
    def pid(self) -> int:
        pid: int = self.desk.heard("forked", self.key)["pid"]
        return pid

    def finished(self) -> Message:
        """What the run said at its end; its whole output has arrived."""
        self.done = self.next()
        assert self.done["op"] == "done", self.done
        self.ended()
        return self.done

    def ended(self) -> Message:
        """What the spawner says of the end; nothing of the run exists any more."""
        message = self.desk.heard("ended", self.key)
        self._reader.join(PATIENCE)
        assert not self._reader.is_alive(), "somebody still holds the output pipe"
        return message

    @property
    def logged(self) -> list[dict[str, Any]]:
        """The framed lines of the output."""
        return [json.loads(line[1:]) for line in self._split() if line.startswith(b"\x1e")]

    @property
    def raw(self) -> list[bytes]:
        """The other lines."""
        return [line for line in self._split() if line and not line.startswith(b"\x1e")]

    def close(self) -> None:
        self.stream.close()

    def _split(self) -> list[bytes]:
        return self.output.replace(b"\x1e", b"\n\x1e").split(b"\n")

    def _drain(self) -> None:
        with open(self._reading, "rb", buffering=0) as pipe:
            while data := pipe.read(65_536):
                self.output += data


Open = Callable[..., Desk]


@contextmanager
def desks(folder: Path) -> Iterator[Open]:
    """Opens desks for scripts in ``folder``; in the end every spawner must leave by itself."""
    opened: list[Desk] = []

    def open_desk(text: str, name: str = "flows.py", **options: Any) -> Desk:
        (folder / name).write_text(text)
        qualnames = options.pop("qualnames", ["f"])
        path = str(folder / name)
        flows = {q: {"path": path, "qualname": q} for q in qualnames}
        opened.append(Desk(folder, options.pop("flows", flows), **options))
        return opened[-1]

    try:
        yield open_desk
    finally:
        for desk in opened:
            desk.close()


def signal_name(message: Message) -> str | None:
    """The name of the signal that ended a run."""
    number = message["signal"]
    return None if number is None else signal.Signals(number).name
