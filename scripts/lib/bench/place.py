"""Where a section measures: a fresh home with its own server, and a script that serves in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import cpu_seconds, until
from orchestrator import Client
from orchestrator.embedded import ensure_server, stop_server
from orchestrator.model.ids import RunId, deployment_id
from orchestrator.settings import load_settings
from orchestrator.store import keys
from orchestrator.store.connection import open_store
from orchestrator.store.requests import command

MARK = "mark/bench"
NAP = "nap/bench"
CHATTER = "chatter/bench"
"""The deployments: the first ends at once, the second must be cancelled, the third (of
another script) logs."""
SCRIPTS = Path(__file__).parent
_MARK_BYTES = 18
QUIET_CORES, QUIET_SECONDS = 0.03, 8


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

    def wait_until_idle(self, deployments: Sequence[str] = (MARK, NAP)) -> None:
        """No runner holds a run of these: one command each, ten times a second, so that the waiting
        does not count in what the runs cost."""
        asked = [command(int, "ZCARD", keys.leases(deployment_id(name))) for name in deployments]
        with closing(open_store(self.url)) as store:
            until(lambda: not any(store.call_all(asked)), pause=0.1)

    def commands(self) -> int:
        """Commands that the server has executed, those inside scripts counted."""
        return int(self.client.server_facts()["total_commands_processed"])

    def server_pid(self) -> int:
        return int(self.client.server_facts()["process_id"])

    def memory(self) -> int:
        """Bytes that the server's data take."""
        return int(self.client.server_facts()["used_memory"])

    def scheduler_pid(self) -> int:
        """The scheduler that came with the server, as soon as it is there."""
        until(lambda: self._scheduler() is not None)
        found = self._scheduler()
        assert found is not None
        return found

    def wait_until_quiet(self) -> None:
        """The scheduler has nothing to do: what is new is planned, what happened is copied. It may
        sleep 5 seconds before it looks."""
        scheduler, quiet = self.scheduler_pid(), 0
        while quiet < QUIET_SECONDS:
            before = cpu_seconds(scheduler)
            time.sleep(1)
            quiet = quiet + 1 if cpu_seconds(scheduler) - before < QUIET_CORES else 0

    @contextmanager
    def without_scheduler(self) -> Iterator[None]:
        """It stands still: what is counted meanwhile is only what was asked for."""
        scheduler = self.scheduler_pid()
        os.kill(scheduler, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(scheduler, signal.SIGCONT)

    def _scheduler(self) -> int | None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text().split("\0")
                if "scheduler" in words and str(self.folder) in (process / "environ").read_text():
                    return int(process.name)
            except OSError:
                continue  # it has ended, or is not ours
        return None

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
