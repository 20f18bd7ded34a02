"""RQ: a pool of two workers, each of which forks for each job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.command import send_stop_job_command

from peers import rq_jobs
from peers.contest import take_part


class Rq:
    """One queue, RQ's own pool."""

    def __init__(self, url: str) -> None:
        self._url, self._redis = url, Redis.from_url(url)
        self._queue = Queue("default", connection=self._redis)

    def command(self, slots: int) -> list[str]:
        rq = str(Path(sys.executable).with_name("rq"))
        return [rq, "worker-pool", "-n", str(slots), "--url", self._url, "default"]

    def is_ready(self) -> bool:
        return any(worker.get_state() == "idle" for worker in Worker.all(connection=self._redis))

    def submit(self) -> Any:
        return self._queue.enqueue(rq_jobs.quick)

    def submit_many(self, count: int) -> None:
        self._queue.enqueue_many([Queue.prepare_data(rq_jobs.quick) for _ in range(count)])

    def submit_sleeper(self) -> Any:
        return self._queue.enqueue(rq_jobs.sleeper).id

    def cancel(self, run: Any) -> None:
        send_stop_job_command(self._redis, run)


if __name__ == "__main__":
    take_part(Rq)
