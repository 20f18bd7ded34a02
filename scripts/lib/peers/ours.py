"""The product: a process for each run."""

from __future__ import annotations

import os
import sys
import time

from orchestrator import Client, flow, serve
from peers.contest import take_part, until_ready, working
from peers.marks import mark


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

    def __init__(self, url: str) -> None:
        os.environ["ORCHESTRATOR_REDIS_URL"] = url
        self._client = Client()
        with working(self, slots=1):  # registers the deployments
            until_ready(self)

    def command(self, slots: int) -> list[str]:
        return [sys.executable, __file__, "serve", str(slots)]

    def is_ready(self) -> bool:
        found = self._client.deployments()
        return bool(found) and all(each.runners for each in found)

    def submit(self) -> str:
        return self._client.create_run("quick/bench").id

    def submit_many(self, count: int) -> None:
        self._client.create_runs([("quick/bench", {})] * count)

    def submit_sleeper(self) -> str:
        return self._client.create_run("sleeper/bench").id

    def cancel(self, run: str) -> None:
        self._client.cancel_run(run)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(
            quick.to_deployment("bench"),
            sleeper.to_deployment("bench"),
            limit=int(sys.argv[2]),
            pause_on_shutdown=False,
        )
    else:
        take_part(Ours)
