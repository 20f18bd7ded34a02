"""Prefect's ``serve`` with a server of its own on SQLite, defaults: it polls every 10 seconds.

BENCH_POLL=1: every second, its fastest. It uses no Redis: the benchmark's server idles.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from peers.contest import take_part
from peers.workers import working

PORT = 7191


class Prefect:
    """A fresh database, a server, and a script that serves from it."""

    ready = "being served and polling"

    def __init__(self, _: str) -> None:
        marks = os.environ["BENCH_MARKS"]
        api = f"http://127.0.0.1:{PORT}/api"
        os.environ.update(PREFECT_HOME=marks + ".home", PREFECT_API_URL=api, DO_NOT_TRACK="1")
        os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
        os.environ["PREFECT_RUNNER_POLL_FREQUENCY"] = os.environ.get("BENCH_POLL", "10")
        self._start_server(marks)
        with working(self, slots=1) as workers:  # registers the deployments
            workers.wait_ready()
        from prefect.deployments import run_deployment  # reads the environment

        self._run_deployment: Any = run_deployment

    def _start_server(self, marks: str) -> None:
        words = [str(Path(sys.executable).with_name("prefect")), "server", "start"]
        words += ["--host", "127.0.0.1", "--port", str(PORT)]
        with Path(marks + ".server-log").open("wb") as log:
            server = subprocess.Popen(words, stdout=log, stderr=log)
        atexit.register(server.wait)
        atexit.register(server.terminate)
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/health").close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(Path(marks + ".server-log").read_text())

    def command(self, slots: int) -> list[str]:
        return [sys.executable, "-m", "peers.prefect_jobs", str(slots)]

    def scheduling(self) -> list[list[str]]:
        return []

    def queued(self) -> list[float]:
        return []

    def submit(self) -> Any:
        return self._run_deployment("quick/bench", timeout=0)

    def submit_each(self, count: int) -> None:
        for _ in range(count):
            self.submit()

    def submit_many(self, count: int) -> None:
        self.submit_each(count)

    def submit_sleeper(self) -> Any:
        return self._run_deployment("sleeper/bench", timeout=0).id

    def cancel(self, run: Any) -> None:
        from prefect import get_client
        from prefect.client.schemas.objects import StateType
        from prefect.states import State

        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, State(type=StateType.CANCELLING), force=False)


if __name__ == "__main__":
    take_part(Prefect)
