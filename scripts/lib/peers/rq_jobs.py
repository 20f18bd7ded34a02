"""The jobs of the RQ contestant, and the table that ``rq cron`` loads."""

from __future__ import annotations

import os
import time

from peers.marks import mark


def quick() -> None:
    """Ends at once."""
    mark()


def sleeper() -> None:
    """Ends when it is stopped."""
    mark()
    time.sleep(600)


def scheduled() -> None:
    """Says also when it was queued."""
    from rq import get_current_job

    mark()
    mark(".queued", get_current_job().enqueued_at.timestamp())


if "BENCH_CRONS" in os.environ:
    from rq import cron

    for number in range(int(os.environ["BENCH_CRONS"])):
        cron.register(
            scheduled, queue_name="default", cron=os.environ["BENCH_CRON_LINE"], name=f"c{number}"
        )
