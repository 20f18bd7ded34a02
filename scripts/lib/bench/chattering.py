"""What the benchmark of logs runs.

chattering.py LIMIT
"""

from __future__ import annotations

import sys

from orchestrator import flow, get_run_logger


@flow
def chatter(lines: int) -> None:
    """Write that many lines into its log."""
    log = get_run_logger()
    for number in range(lines):
        log.info("line %d of a run that has much to say about what it does", number)


if __name__ == "__main__":
    chatter.serve(name="bench", limit=int(sys.argv[1]), pause_on_shutdown=False)
