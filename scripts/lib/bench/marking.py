"""What the benchmark runs: flows whose first line writes the time."""

from __future__ import annotations

import os
import sys
import time

from orchestrator import flow, serve


@flow
def mark(path: str) -> None:
    """Append the time (seconds since 1970) to a file: one write, so that lines never mix."""
    now = time.time()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{now:.6f}\n".encode())
    os.close(descriptor)


@flow
def nap(path: str) -> None:
    """Begin, and wait to be cancelled."""
    mark(path)
    time.sleep(600)


if __name__ == "__main__":
    serve(
        mark.to_deployment("bench"),
        nap.to_deployment("bench"),
        limit=int(sys.argv[1]),
        pause_on_shutdown=False,
    )
