"""Celery, prefork with two children. BENCH_ISOLATED=1: a fresh child for each task."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from peers import celery_jobs
from peers.contest import take_part


class Celery:
    """One worker, its default pool."""

    def __init__(self, url: str) -> None:
        celery_jobs.app.conf.broker_url = url

    def command(self, slots: int) -> list[str]:
        celery = str(Path(sys.executable).with_name("celery"))
        isolated = ["--max-tasks-per-child=1"] if os.environ.get("BENCH_ISOLATED") else []
        return [celery, "-A", "peers.celery_jobs", "worker", "-c", str(slots), *isolated]

    def is_ready(self) -> bool:
        return bool(celery_jobs.app.control.ping(timeout=0.5))

    def submit(self) -> Any:
        return celery_jobs.quick.delay()

    def submit_many(self, count: int) -> None:
        for _ in range(count):
            celery_jobs.quick.delay()

    def submit_sleeper(self) -> Any:
        return celery_jobs.sleeper.delay()

    def cancel(self, run: Any) -> None:
        run.revoke(terminate=True)


if __name__ == "__main__":
    take_part(Celery)
