"""The application of the Celery contestant."""

from __future__ import annotations

import os
import time

from celery import Celery
from celery.schedules import crontab
from celery.signals import before_task_publish

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


if "BENCH_CRONS" in os.environ:
    _minute, _hour, *_ = os.environ["BENCH_CRON_LINE"].split()
    app.conf.beat_schedule = {
        f"c{number}": {
            "task": "peers.celery_jobs.quick",
            "schedule": crontab(minute=_minute, hour=_hour),
        }
        for number in range(int(os.environ["BENCH_CRONS"]))
    }

    @before_task_publish.connect
    def published(**_: object) -> None:
        """Beat puts a task into the queue."""
        mark(".queued")
