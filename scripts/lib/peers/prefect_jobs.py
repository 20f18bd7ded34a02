"""The flows of the Prefect contestant, and the script that serves them."""

from __future__ import annotations

import os
import sys
import time

from prefect import flow, serve

from peers.marks import mark


@flow
def quick() -> None:
    """Ends at once."""
    mark()


@flow
def sleeper() -> None:
    """Ends when it is cancelled."""
    mark()
    time.sleep(600)


if __name__ == "__main__":
    scheduled = [
        quick.to_deployment(f"scheduled-{number}", cron=os.environ["BENCH_CRON_LINE"])
        for number in range(int(os.environ.get("BENCH_CRONS", "0")))
    ]
    serve(
        *scheduled,
        quick.to_deployment("bench"),
        sleeper.to_deployment("bench"),
        limit=int(sys.argv[1]),
        pause_on_shutdown=False,
    )
