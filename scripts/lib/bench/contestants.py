"""The product and its peers: what each needs to take part, and how much is asked of it.

Each peer has an environment of its own below ``.bench/``, made with the first use. All use a fresh
redis-server of Debian's without persistence, since the peers know no other.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import until

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Peer:
    """A contestant: its module below ``peers``, and what pip installs for it."""

    name: str
    module: str
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    """How much is asked of it, where that is not what is asked of all."""
    without: frozenset[str] = frozenset()
    """Metrics that it has no answer to, or none of its own."""

    def ask(self, metric: str, crons: int = 0) -> dict[str, list[float]]:
        """The values of one metric, by what they are values of."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, _server(Path(folder)) as url:
            words = ["-m", f"peers.{self.module}", metric, "--url", url]
            words += ["--marks", f"{folder}/marks", "--crons", str(crons)]
            for name, value in self.sizes.items():
                words += [f"--{name}", f"{value:g}"]
            answer = subprocess.run(
                [self._python(), *words],
                stdout=subprocess.PIPE,
                env=self._environment(folder),
                check=True,
            )
        values: dict[str, list[float]] = json.loads(answer.stdout)
        return values

    def _environment(self, folder: str) -> dict[str, str]:
        path = str(ROOT / "scripts/lib")
        path = path if self.packages else f"{path}:{ROOT}"
        home = f"{folder}/home"
        return {**os.environ, **self.environment, "PYTHONPATH": path, "ORCHESTRATOR_HOME": home}

    def _python(self) -> str:
        """The interpreter that has its packages."""
        if not self.packages:
            return sys.executable
        folder = ROOT / ".bench" / self.module
        if not (folder / "ready").exists():
            venv.create(folder, with_pip=True, clear=True)
            install = [str(folder / "bin/python"), "-m", "pip", "install", "-qq", *self.packages]
            subprocess.run(install, check=True)
            (folder / "ready").touch()
        return str(folder / "bin/python")


_CELERY = ("celery[redis]", "hiredis")
_NO_PROCESS = frozenset({"cancel"})
_SLOW = {"runs": 10.0, "times": 5.0, "submits": 20.0, "lead": 45.0}

OURS = Peer("ours", "ours", sizes={"runs": 1000})
PEERS = (
    OURS,
    Peer("RQ pool of 2", "rq_peer", ("rq", "hiredis", "croniter")),
    Peer("Celery", "celery_peer", _CELERY),
    Peer(
        "Celery isolated",
        "celery_peer",
        _CELERY,
        {"BENCH_ISOLATED": "1"},
        {"runs": 60},
        # Its beat is Celery's, and so is what it does without work.
        frozenset({"lag", "crash", "idle", "cold"}),
    ),
    Peer(
        "streaq, no process per run",
        "streaq_peer",
        ("streaq",),
        sizes={"runs": 1000},
        without=_NO_PROCESS,
    ),
    Peer(
        "pydocket, no process per run",
        "docket_peer",
        ("pydocket", "hiredis"),
        sizes={"runs": 1000},
        without=_NO_PROCESS,
    ),
)
# With the newest that it allows of the one its server does not start, of the other it schedules
# nothing.
_PREFECT_PACKAGES = ("prefect==3.7.2", "fastapi<0.120", "sqlalchemy<2.1")
_PREFECT = frozenset({"bulk"})
PREFECT = (
    OURS,
    Peer("Prefect", "prefect_peer", _PREFECT_PACKAGES, {}, {**_SLOW, "gap": 10}, _PREFECT),
    Peer(
        "Prefect, poll 1 s",
        "prefect_peer",
        _PREFECT_PACKAGES,
        {"BENCH_POLL": "1"},
        {**_SLOW, "gap": 1},
        _PREFECT | {"submit", "cancel", "lag", "crash", "idle", "cold"},
    ),
)
"""A section of its own, since a round takes minutes."""


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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
