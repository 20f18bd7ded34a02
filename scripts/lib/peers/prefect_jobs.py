"""The flows of the Prefect contestant, and the script that serves them."""

from __future__ import annotations

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
    serve(
        quick.to_deployment("bench"),
        sleeper.to_deployment("bench"),
        limit=int(sys.argv[1]),
        pause_on_shutdown=False,
    )
