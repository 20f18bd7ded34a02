"""How long what was struck takes to go on, beside the bound that is promised.

Each figure is the longest of some rounds, with the median. Two scripts serve as two hosts, each
through a proxy; the server has an append-only file.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.machine import child_of, until
from orchestrator import Client
from orchestrator.embedded.binary import find_binary
from orchestrator.execution.trees import children_of
from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.model.states import State
from soak.proxy import Proxies, Proxy

LEASE = 4.0
ROUNDS = 5
SCRIPT = Path(__file__).with_name("staying.py")
STAY = "stay/bench"
TRIES_TO_HEAR = 100
"""More often than that nobody connects anew within the rounds."""


def measure() -> list[Figure]:
    """Every recovery that has a bound."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Proxies() as proxies:
        field = Field(Path(folder), proxies)
        with field.server():
            return [*_deaths(field), *_outage(field), *_wishes(field)]


@dataclass
class Field:
    """A server, and hosts that come and go."""

    folder: Path
    proxies: Proxies
    process: subprocess.Popen[bytes] | None = None
    number: int = 0

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @contextmanager
    def server(self) -> Iterator[None]:
        """While it is needed."""
        self.start_server()
        self.client = Client(f"unix://{self.socket}")
        try:
            yield
        finally:
            self.client.close()
            self.kill_server()

    def start_server(self) -> None:
        words = [str(find_binary()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        words += ["--appendonly", "yes", "--dir", str(self.folder)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        until(self.socket.exists)

    def kill_server(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)

    @contextmanager
    def host(self, *, deaf: bool = False) -> Iterator[Host]:
        """A script that serves; ``deaf``: its control channel is cut."""
        self.number += 1
        proxy = self.proxies.open(self.socket, self.folder / f"p{self.number}")
        for _ in range(TRIES_TO_HEAR if deaf else 0):
            proxy.hold(b"SUBSCRIBE")
        before = set(self.runners())
        host = Host(self._serve(proxy))
        try:
            until(lambda: bool(set(self.runners()) - before))
            yield host
        finally:
            host.end()

    def runners(self) -> tuple[str, ...]:
        """The runners that are registered."""
        return next((each.runners for each in self.client.deployments()), ())

    def _serve(self, proxy: Proxy) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "ORCHESTRATOR_REDIS_URL": proxy.url,
            "ORCHESTRATOR_HOME": str(self.folder / "home"),
            "ORCHESTRATOR_LEASE_SECONDS": str(LEASE),
            "ORCHESTRATOR_SHUTDOWN_GRACE_SECONDS": "0",
        }
        with (self.folder / f"log-{self.number}").open("ab") as log:
            words = [sys.executable, str(SCRIPT)]
            return subprocess.Popen(words, env=environment, stdout=log, stderr=log)

    def begun(self, name: str) -> Begun:
        """A run that executes, for the first time."""
        path = self.folder / name
        run = self.client.create_run(STAY, {"path": str(path)})
        until(lambda: self.client.run(run.id).state is State.RUNNING and path.exists())
        return Begun(self.client, run.id, path)


@dataclass(frozen=True)
class Host:
    """A serving script with all that it has started."""

    script: subprocess.Popen[bytes]

    @property
    def runner(self) -> int:
        return child_of(self.script.pid)

    @property
    def spawner(self) -> int:
        return child_of(self.runner)

    def tree(self) -> list[int]:
        """Every process of it, the eldest first."""
        found = [self.script.pid]
        for pid in found:
            found += children_of(pid)
        return found

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.script.send_signal(signal.SIGTERM)
        self.script.wait()


@dataclass(frozen=True)
class Begun:
    """A run that executes."""

    client: Client
    id: RunId
    path: Path

    @property
    def run(self) -> Run:
        return self.client.run(self.id)

    def began_again(self, since: float) -> float:
        """Seconds until it executes a second time; then it ends."""
        until(lambda: self.run.is_final)
        return float(self.path.read_text().split()[1]) - since


def _deaths(field: Field) -> list[Figure]:
    rounds: dict[str, tuple[float, Callable[[Host, Begun], None]]] = {
        "run process killed, retries=1: next attempt": (1.0, _kill_run_process),
        "runner killed: begins again elsewhere": (2.0, lambda host, _: _kill(host.runner)),
        "spawner killed: begins again": (2.0, lambda host, _: _kill(host.spawner)),
        f"whole host gone, lease {LEASE:g} s: begins again elsewhere": (1.2 * LEASE, _kill_host),
        "host shut down: handed back, begins again elsewhere": (1.0, _shut_down),
    }
    return [
        _figure(what, [_struck(field, strike) for _ in range(ROUNDS)], bound)
        for what, (bound, strike) in rounds.items()
    ]


def _struck(field: Field, strike: Callable[[Host, Begun], None]) -> float:
    with field.host() as first:
        begun = field.begun(f"run-{field.number}")
        with field.host():
            since = time.time()
            strike(first, begun)
            return begun.began_again(since)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _kill_run_process(_: Host, begun: Begun) -> None:
    pid = begun.run.pid
    assert pid is not None
    _kill(pid)


def _kill_host(host: Host, _: Begun) -> None:
    """Stopped first, so that none can tell of another's death."""
    tree = host.tree()
    for pid in tree:
        os.kill(pid, signal.SIGSTOP)
    for pid in reversed(tree):
        _kill(pid)


def _shut_down(host: Host, _: Begun) -> None:
    host.script.send_signal(signal.SIGTERM)


def _outage(field: Field) -> list[Figure]:
    def one() -> float:
        field.kill_server()
        field.start_server()
        since = time.time()
        while True:
            with suppress(ServerUnavailable):
                begun = field.begun(f"outage-{time.time_ns()}")
                field.client.cancel_run(begun.id)  # it has outlived the server, and holds a slot
                return float(begun.path.read_text().split()[0]) - since

    with field.host(), field.host():
        figure = _figure(
            "server killed and started: claims go on", [one() for _ in range(ROUNDS)], 8.0
        )
        for run in field.client.runs():
            if not run.is_final:
                field.client.cancel_run(run.id)
        return [figure]


def _wishes(field: Field) -> list[Figure]:
    figures = []
    # Without the channel it is heard with the next beat.
    for deaf, bound, how in ((False, 0.05, ""), (True, LEASE / 4 + 0.05, ", control channel cut")):
        with field.host(deaf=deaf):
            rounds = [_wished(field) for _ in range(ROUNDS)]
        pauses, cancels = zip(*rounds, strict=True)
        figures += [
            _figure(f"paused: its processes stand still{how}", pauses, bound),
            _figure(f"cancelled: its processes are gone{how}", cancels, bound),
        ]
    return figures


def _wished(field: Field) -> tuple[float, float]:
    begun = field.begun(f"wish-{time.time_ns()}")
    process = Path(f"/proc/{begun.run.pid}")
    since = time.perf_counter()
    field.client.pause_run(begun.id)
    until(lambda: (process / "stat").read_text().rpartition(")")[2].split()[0] == "T")
    paused = time.perf_counter() - since
    field.client.resume_run(begun.id)
    until(lambda: (process / "stat").read_text().rpartition(")")[2].split()[0] != "T")
    since = time.perf_counter()
    field.client.cancel_run(begun.id)
    until(lambda: not process.exists())
    return paused, time.perf_counter() - since


def _figure(what: str, seconds: list[float] | tuple[float, ...], bound: float) -> Figure:
    unit = f"s (median {statistics.median(seconds):.2f})"
    return Figure(what, max(seconds), unit, bound, f"the {bound:g} s promised")
