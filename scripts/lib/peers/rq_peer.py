"""RQ: a pool of two workers, each of which forks for each job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command

from peers import rq_jobs
from peers.contest import take_part
from peers.marks import marked


class Rq:
    """One queue, RQ's own pool."""

    ready = "Listening on"

    def __init__(self, url: str) -> None:
        self._url, self._redis = url, Redis.from_url(url)
        self._queue = Queue("default", connection=self._redis)
        self._rq = str(Path(sys.executable).with_name("rq"))

    def command(self, slots: int) -> list[str]:
        return [self._rq, "worker-pool", "-n", str(slots), "--url", self._url, "default"]

    def scheduling(self) -> list[list[str]]:
        return [[self._rq, "cron", "--url", self._url, "peers.rq_jobs"]]

    def queued(self) -> list[float]:
        return marked(".queued")

    def submit(self) -> Any:
        return self._queue.enqueue(rq_jobs.quick)

    def submit_each(self, count: int) -> None:
        for _ in range(count):
            self.submit()

    def submit_many(self, count: int) -> None:
        self._queue.enqueue_many([Queue.prepare_data(rq_jobs.quick) for _ in range(count)])

    def submit_sleeper(self) -> Any:
        return self._queue.enqueue(rq_jobs.sleeper).id

    def cancel(self, run: Any) -> None:
        send_stop_job_command(self._redis, run)


if __name__ == "__main__":
    take_part(Rq)
