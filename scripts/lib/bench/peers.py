"""The product beside its peers: the same four questions, in turn, on the same kind of server.

Each peer has an environment of its own below ``.bench/``, made with the first use. All use a fresh
redis-server of Debian's without persistence, since the peers know no other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figure, spread
from bench.machine import until

_ROOT = Path(__file__).resolve().parents[3]
_ROUNDS = 3


@dataclass(frozen=True)
class Peer:
    """A contestant: its module below ``peers``, and what pip installs for it."""

    name: str
    module: str
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    runs: int = 300

    def python(self) -> str:
        """The interpreter that has its packages."""
        if not self.packages:
            return sys.executable
        folder = _ROOT / ".bench" / self.module
        if not (folder / "ready").exists():
            venv.create(folder, with_pip=True, clear=True)
            install = [str(folder / "bin/python"), "-m", "pip", "install", "-qq", *self.packages]
            subprocess.run(install, check=True)
            (folder / "ready").touch()
        return str(folder / "bin/python")


OURS = Peer("ours", "ours", runs=1000)
PEERS = (
    OURS,
    Peer("RQ pool of 2", "rq_peer", ("rq", "hiredis")),
    Peer("Celery", "celery_peer", ("celery[redis]", "hiredis")),
    Peer(
        "Celery isolated", "celery_peer", ("celery[redis]", "hiredis"), {"BENCH_ISOLATED": "1"}, 60
    ),
)
METRICS = {
    "latency": ("start latency, idle", "ms", 1e3),
    "throughput": ("runs", "per s", 1),
    "submit": ("submit, one at a time", "per s", 1),
    "bulk": ("submit, bulk call where there is one", "per s", 1),
    "cancel": ("cancel to process gone", "ms", 1e3),
}


def measure() -> list[Figure]:
    """Medians over all rounds, ours first, each peer's beside it."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for metric in METRICS:
            for peer in PEERS:
                found[metric, peer.name] += _ask(peer, metric)
    return [figure for metric in METRICS for figure in _compared(metric, found)]


def _compared(metric: str, found: dict[tuple[str, str], list[float]]) -> Iterator[Figure]:
    title, unit, factor = METRICS[metric]
    ours = statistics.median(found[metric, OURS.name]) * factor
    for peer in PEERS:
        values = [value * factor for value in found[metric, peer.name]]
        sys.stderr.write(f"{title}, {peer.name}: {spread(values)} {unit}\n")
        name, middle = f"{title}: {peer.name}", statistics.median(values)
        yield Figure(name, middle, unit, *(() if peer is OURS else (ours, "ours")))


def _ask(peer: Peer, metric: str) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _server(Path(folder)) as url:
        words = ["-m", f"peers.{peer.module}", metric, "--url", url]
        words += ["--marks", f"{folder}/marks", "--runs", str(peer.runs)]
        environment = {**os.environ, **peer.environment, "PYTHONPATH": str(_ROOT / "scripts/lib")}
        if peer is OURS:
            environment["PYTHONPATH"] += f":{_ROOT}"
        answer = subprocess.run(
            [peer.python(), *words], stdout=subprocess.PIPE, env=environment, check=True
        )
    values: list[float] = json.loads(answer.stdout)
    return values


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    port = 7190
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
    words += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(words, stdout=output)
    try:
        until(lambda: b"Ready to accept" in log.read_bytes())
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
