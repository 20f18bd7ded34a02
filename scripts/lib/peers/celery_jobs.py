"""The application of the Celery contestant."""

from __future__ import annotations

import os
import time

from celery import Celery

from peers.marks import mark

app = Celery("bench", broker=os.environ.get("BENCH_URL", ""))
app.conf.task_ignore_result = True


@app.task
def quick() -> None:
    """Ends at once."""
    mark()


@app.task
def sleeper() -> None:
    """Ends when it is revoked."""
    mark()
    time.sleep(600)
