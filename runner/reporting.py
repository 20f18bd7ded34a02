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
from pathlib import Path

from orchestrator.model.errors import ServerUnavailable
from orchestrator.model.ids import RunId
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.hooks import hooks_called
from orchestrator.store.leases import reap_run
from orchestrator.store.runs import read_run

from .aftermath import ENDED_UNSEEN, HOLD_MS, order_of
from .contact import pause_after
from .spawners import REPORT_LEASE_SECONDS, REPORT_RETENTION_MS, REPORT_URL

RUNNER_DIED = "its runner died"


def report() -> int:
    """Give the runs back; 1 when the server could not be told while it helps anybody: after a lease
    others recover the runs, and a server whose socket lost its folder does not come back there."""
    retention = int(os.environ[REPORT_RETENTION_MS])
    runs = json.load(sys.stdin)["runs"]
    requests = [
        reap_run(RunId(run["run_id"]), run["token"], None, RUNNER_DIED, retention, HOLD_MS)
        for run in runs
    ]
    url, patience = os.environ[REPORT_URL], float(os.environ[REPORT_LEASE_SECONDS])
    store = open_store(url)
    began, failures = time.monotonic(), 0
    while True:
        try:
            words = store.call_all(requests)
            over = [run for run, word in zip(runs, words, strict=True) if word in ENDED_UNSEEN]
            for run in over:
                _tell(store, run)
        except ServerUnavailable:
            failures += 1
            left = began + patience - time.monotonic()
            if left <= 0 or _is_gone_for_good(url):
                return 1
            time.sleep(min(pause_after(failures), left))
        else:
            return 0


def _is_gone_for_good(url: str) -> bool:
    kind, _, path = url.partition("://")
    return kind == "unix" and not Path(path.partition("?")[0]).parent.is_dir()


def _tell(store: Store, told: dict[str, str]) -> None:
    run = store.call(read_run(RunId(told["run_id"])))
    # From here on it is its spawner's matter, which cannot say whether it has done it.
    store.call(hooks_called(RunId(told["run_id"])))
    if run is not None and run.started_at is not None:
        sys.stdout.write(json.dumps(order_of(run, told["token"])) + "\n")
