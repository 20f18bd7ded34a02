"""The last words about a runner that died: its spawner starts this once all trees are gone.

Standard input has one line ``{"runs": [{"run_id": ..., "token": ...}]}``. Standard output gets one
line ``{"op": "hooks", ...}`` for each run that is over now: its spawner, which has the user's code,
then has its hooks called.
"""

from __future__ import annotations

import json
import os
import sys
import time

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.leases import reap_run
from orchestrator.store.runs import read_run

from .aftermath import ENDED_UNSEEN, order_of
from .contact import pause_after
from .spawners import REPORT_RETENTION_MS, REPORT_URL

RUNNER_DIED = "its runner died"
PATIENCE_SECONDS = 60.0
"""Longer than most leases: after that others have recovered the runs anyway."""


def report() -> int:
    """Give the runs back; 1 when the server could not be told in time."""
    retention = int(os.environ[REPORT_RETENTION_MS])
    runs = json.load(sys.stdin)["runs"]
    requests = [
        reap_run(RunId(run["run_id"]), run["token"], None, RUNNER_DIED, retention) for run in runs
    ]
    store = open_store(os.environ[REPORT_URL])
    began, failures = time.monotonic(), 0
    while True:
        try:
            words = store.call_all(requests)
            over = [run for run, word in zip(runs, words, strict=True) if word in ENDED_UNSEEN]
            for run in over:
                _tell(store, run)
        except ServerUnavailable:
            failures += 1
            if time.monotonic() - began > PATIENCE_SECONDS:
                return 1
            time.sleep(pause_after(failures))
        else:
            return 0


def _tell(store: Store, told: dict[str, str]) -> None:
    run = store.call(read_run(RunId(told["run_id"])))
    if run is not None and run.started_at is not None:
        sys.stdout.write(json.dumps(order_of(run, told["token"])) + "\n")
