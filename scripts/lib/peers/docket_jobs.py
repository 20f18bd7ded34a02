"""The tasks of the pydocket contestant."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine

from docket import Cron

from peers.marks import mark


async def quick() -> None:
    """Ends at once."""
    mark()


async def sleeper() -> None:
    """Ends when it is cancelled."""
    mark()
    await asyncio.sleep(600)


def scheduled(name: str, line: str) -> Callable[..., Coroutine[None, None, None]]:
    """One schedule of one task."""

    async def entry(cron: Cron = Cron(line)) -> None:  # noqa: ARG001, B008 - how docket wants it
        mark()

    entry.__name__ = entry.__qualname__ = name
    return entry


tasks: list[Callable[..., Coroutine[None, None, None]]] = [
    quick,
    sleeper,
    *(
        scheduled(f"c{number}", os.environ["BENCH_CRON_LINE"])
        for number in range(int(os.environ.get("BENCH_CRONS", "0")))
    ),
]
