"""pydocket: one process, in which tasks are coroutines; no process for each run."""

from __future__ import annotations

import sys
from pathlib import Path

from docket import Docket

from peers import docket_jobs
from peers.contest import take_part
from peers.portal import OfCoroutines, Portal

CONCURRENCY = 100


class PyDocket(OfCoroutines):
    """Its worker, with the concurrency at which it is fastest here."""

    ready = "Starting worker"

    def __init__(self, url: str) -> None:
        self._url, self._workers = url, 0
        self._docket = Docket(name="bench", url=url)
        self._portal = Portal(self._docket)

    def command(self, slots: int) -> list[str]:
        self._workers += 1  # two workers of one name would be one
        concurrency = CONCURRENCY if slots > 1 else 1
        words = [str(Path(sys.executable).with_name("docket")), "worker", "--docket", "bench"]
        words += ["--url", self._url, "--name", f"w{self._workers}"]
        words += ["--tasks", "peers.docket_jobs:tasks", "--concurrency", str(concurrency)]
        return words

    async def _each(self, count: int) -> None:
        for _ in range(count):
            await self._docket.add(docket_jobs.quick)()

    async def _many(self, count: int) -> None:
        await self._docket.add_many(self._docket.call(docket_jobs.quick)() for _ in range(count))

    async def _sleeper(self) -> None:
        await self._docket.add(docket_jobs.sleeper)()


if __name__ == "__main__":
    take_part(PyDocket)
