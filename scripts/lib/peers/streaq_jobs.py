"""The worker of the streaq contestant."""

from __future__ import annotations

import os

import anyio
from streaq import Worker

from peers.marks import mark

worker = Worker(
    redis_url=os.environ["BENCH_URL"], concurrency=int(os.environ.get("BENCH_SLOTS", "16"))
)


@worker.task
async def quick() -> None:
    """Ends at once."""
    mark()


@worker.task
async def sleeper() -> None:
    """Ends when it is aborted."""
    mark()
    await anyio.sleep(600)


def schedule(name: str, line: str) -> None:
    """One schedule of one task."""

    @worker.cron(line, name=name)
    async def entry() -> None:
        mark()


for number in range(int(os.environ.get("BENCH_CRONS", "0"))):
    schedule(f"c{number}", os.environ["BENCH_CRON_LINE"])
