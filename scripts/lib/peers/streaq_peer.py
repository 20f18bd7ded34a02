"""streaq: one process, in which tasks are coroutines; no process for each run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from peers.contest import take_part
from peers.portal import OfCoroutines, Portal
from peers.workers import working

CONCURRENCY = 16


class Streaq(OfCoroutines):
    """Its worker, with the concurrency at which it is fastest here."""

    ready = "starting worker"

    def __init__(self, url: str) -> None:
        from peers import streaq_jobs  # needs BENCH_URL

        self._url, self._jobs = url, streaq_jobs
        with working(self, slots=1) as workers:  # makes the stream and its group
            workers.wait_ready()
        self._portal = Portal(streaq_jobs.worker)

    def command(self, slots: int) -> list[str]:
        os.environ["BENCH_SLOTS"] = str(CONCURRENCY if slots > 1 else 1)
        return [str(Path(sys.executable).with_name("streaq")), "run", "peers.streaq_jobs:worker"]

    async def _each(self, count: int) -> None:
        for _ in range(count):
            await self._jobs.quick.enqueue()

    async def _many(self, count: int) -> None:
        await self._jobs.worker.enqueue_many([self._jobs.quick.enqueue() for _ in range(count)])

    async def _sleeper(self) -> None:
        await self._jobs.sleeper.enqueue()


if __name__ == "__main__":
    take_part(Streaq)
