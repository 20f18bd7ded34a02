"""The product: a process for each run."""

from __future__ import annotations

import os
import sys
import time

from orchestrator import Client, Cron, Schedule, flow, serve
from peers.contest import take_part
from peers.marks import mark
from peers.workers import working


@flow
def quick() -> None:
    """Ends at once."""
    mark()


@flow
def sleeper() -> None:
    """Ends when it is cancelled."""
    mark()
    time.sleep(600)


class Ours:
    """A script that serves both flows; a client that speaks to the server."""

    ready = "Ask for a run"

    def __init__(self, url: str) -> None:
        os.environ["ORCHESTRATOR_REDIS_URL"] = url
        self._client = Client()
        with working(self, slots=1) as workers:  # registers the deployments
            workers.wait_ready()

    def command(self, slots: int) -> list[str]:
        return [sys.executable, __file__, "serve", str(slots)]

    def scheduling(self) -> list[list[str]]:
        return [[sys.executable, "-m", "orchestrator.cli", "scheduler", "start"]]

    def queued(self) -> list[float]:
        return [run.created_at / 1000 for run in self._client.runs(limit=100_000)]

    def submit(self) -> str:
        return self._client.create_run("quick/bench").id

    def submit_each(self, count: int) -> None:
        for _ in range(count):
            self.submit()

    def submit_many(self, count: int) -> None:
        self._client.create_runs([("quick/bench", {})] * count)

    def submit_sleeper(self) -> str:
        return self._client.create_run("sleeper/bench").id

    def cancel(self, run: str) -> None:
        self._client.cancel_run(run)


def schedules() -> list[Schedule]:
    """As many as the benchmark wants, all of one instant."""
    count, line = int(os.environ.get("BENCH_CRONS", "0")), os.environ.get("BENCH_CRON_LINE", "")
    return [Cron(line, timezone="UTC", slug=f"c{number}") for number in range(count)]


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(
            quick.to_deployment("bench", schedules=schedules()),
            sleeper.to_deployment("bench"),
            limit=int(sys.argv[2]),
            pause_on_shutdown=False,
        )
    else:
        take_part(Ours)
