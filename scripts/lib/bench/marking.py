"""What the benchmark runs: flows whose first line writes the time.

marking.py LIMIT DEPLOYMENTS
"""

from __future__ import annotations

import importlib
import os
import sys
import time

from orchestrator import flow, serve

if module := os.environ.get("BENCH_IMPORT"):
    importlib.import_module(module)  # here, so that the spawner has it too


@flow
def mark(path: str, ballast: str = "") -> None:
    """Append the time (seconds since 1970) to a file: one write, so that lines never mix."""
    del ballast  # only carried
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
    many = int(sys.argv[2])
    serve(
        mark.to_deployment("bench"),
        *(mark.to_deployment(f"more-{number}") for number in range(1, many)),
        nap.to_deployment("bench"),
        limit=int(sys.argv[1]),
        pause_on_shutdown=False,
    )
