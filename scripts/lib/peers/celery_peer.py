"""Celery, prefork with two children. BENCH_ISOLATED=1: a fresh child for each task."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from peers import celery_jobs
from peers.contest import take_part
from peers.marks import marked


class Celery:
    """One worker, its default pool."""

    ready = " ready."

    def __init__(self, url: str) -> None:
        celery_jobs.app.conf.broker_url = url
        self._celery = [str(Path(sys.executable).with_name("celery")), "-A", "peers.celery_jobs"]
        self._workers = 0

    def command(self, slots: int) -> list[str]:
        self._workers += 1  # two workers of one name would be one
        name = f"w{self._workers}@bench"
        isolated = ["--max-tasks-per-child=1"] if os.environ.get("BENCH_ISOLATED") else []
        words = ["worker", "-c", str(slots), "-n", name, "--loglevel", "INFO", *isolated]
        return [*self._celery, *words]

    def scheduling(self) -> list[list[str]]:
        return [[*self._celery, "beat", "-s", os.environ["BENCH_MARKS"] + ".beat"]]

    def queued(self) -> list[float]:
        return marked(".queued")

    def submit(self) -> Any:
        return celery_jobs.quick.delay()

    def submit_each(self, count: int) -> None:
        for _ in range(count):
            self.submit()

    def submit_many(self, count: int) -> None:
        self.submit_each(count)

    def submit_sleeper(self) -> Any:
        return celery_jobs.sleeper.delay()

    def cancel(self, run: Any) -> None:
        run.revoke(terminate=True)


if __name__ == "__main__":
    take_part(Celery)
