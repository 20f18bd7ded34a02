"""The one thing that measured functions do. Imports next to nothing: some peers import the user's
module anew for every run, and must not pay for the benchmark.
"""

from __future__ import annotations

import os
import time


def mark() -> None:
    """Append the time and the process: the clock is read first, one write keeps lines whole."""
    now = time.time()
    descriptor = os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b"%17.6f %9d\n" % (now, os.getpid()))
    os.close(descriptor)
