"""Where a section measures: a fresh home with its own server, and a script that serves in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import until
from orchestrator import Client
from orchestrator.embedded import ensure_server, stop_server
from orchestrator.model.ids import RunId
from orchestrator.settings import load_settings

MARK = "mark/bench"
NAP = "nap/bench"
CHATTER = "chatter/bench"
"""The deployments: the first ends at once, the second must be cancelled, the third (of
another script) logs."""
SCRIPTS = Path(__file__).parent
_MARK_BYTES = 18


@dataclass(frozen=True)
class Place:
    """A folder, and a client of the server that lives in it."""

    folder: Path
    url: str
    client: Client

    @property
    def marks(self) -> Path:
        """Where the flow writes when it began."""
        return self.folder / "marks"

    def submit(self, deployment: str = MARK) -> RunId:
        """One run."""
        return self.client.create_run(deployment, {"path": str(self.marks)}).id

    def submit_bulk(self, count: int) -> None:
        """Many of them in one call."""
        self.client.create_runs([(MARK, {"path": str(self.marks)})] * count)

    def moments(self, count: int) -> list[float]:
        """Seconds since 1970 at which the runs began, once there are ``count``."""
        size = _MARK_BYTES * count
        until(lambda: self.marks.exists() and self.marks.stat().st_size >= size)
        return sorted(map(float, self.marks.read_text().split()))

    def wait_until_idle(self) -> None:
        """Every run has ended."""
        until(lambda: all(run.is_final for run in self.client.runs(limit=100_000)))

    def commands(self) -> int:
        """Commands that the server has executed, those inside scripts counted."""
        return int(self.client.server_facts()["total_commands_processed"])

    def server_pid(self) -> int:
        return int(self.client.server_facts()["process_id"])

    def memory(self) -> int:
        """Bytes that the server's data take."""
        return int(self.client.server_facts()["used_memory"])

    def scheduler_pid(self) -> int:
        """The scheduler that came with the server."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text().split("\0")
                if "scheduler" in words and str(self.folder) in (process / "environ").read_text():
                    return int(process.name)
            except OSError:
                continue  # it has ended, or is not ours
        raise RuntimeError("no scheduler runs")

    @contextmanager
    def serving(
        self, limit: int, deployments: int = 1, script: str = "marking"
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The script serves, with ``limit`` slots."""
        path = self.folder / f"serve-{time.time_ns()}.log"
        with path.open("wb") as log:
            words = [sys.executable, str(SCRIPTS / f"{script}.py"), str(limit), str(deployments)]
            serving = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            until(lambda: b"Ask for a run" in path.read_bytes())
            yield serving
        finally:
            serving.send_signal(signal.SIGTERM)
            serving.wait()


@contextmanager
def fresh_place() -> Iterator[Place]:
    """A home with its embedded server; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["ORCHESTRATOR_HOME"] = folder
        os.environ.pop("ORCHESTRATOR_REDIS_URL", None)
        url = ensure_server(load_settings())
        with Client(url) as client:
            try:
                yield Place(Path(folder), url, client)
            finally:
                stop_server(load_settings())
