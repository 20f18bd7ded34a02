"""The last words about a dead runner, when nobody hears them at first."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator.model.states import State
from orchestrator.programs import command_of
from orchestrator.store.connection import open_store
from tests.runner.parts import part
from tests.store.scene import Scene, run_id
from tests.support import Server

FAR, AT_ONCE = 3600.0, 0.1
SOME_RUN = {"run_id": run_id(), "token": "1.a"}


def reporter(url: str, lease: float, *runs: Mapping[str, str]) -> subprocess.Popen[str]:
    """It is told of these runs."""
    names = part("spawners")
    environment = {
        **os.environ,
        names.REPORT_URL: url,
        names.REPORT_LEASE_SECONDS: str(lease),
        names.REPORT_RETENTION_MS: "60000",
    }
    made = subprocess.Popen(
        command_of("runner", "report"), env=environment, stdin=subprocess.PIPE, text=True
    )
    assert made.stdin is not None
    made.stdin.write(json.dumps({"runs": runs}) + "\n")
    made.stdin.close()
    return made


def test_it_leaves_when_the_place_of_its_server_is_gone(tmp_path: Path) -> None:
    made = reporter(f"unix://{tmp_path}/gone/server.sock", FAR, SOME_RUN)

    assert made.wait(60) == 1


def test_it_leaves_when_others_have_recovered_the_runs_anyway(tmp_path: Path) -> None:
    made = reporter(f"unix://{tmp_path}/server.sock", AT_ONCE, SOME_RUN)

    assert made.wait(60) == 1


def test_it_waits_for_a_server_that_comes_back_within_a_lease() -> None:
    server = Server(options=("--save", "", "--appendonly", "yes", "--appendfsync", "always"))
    server.start()
    store = open_store(server.url)
    scene = Scene(store)
    scene.deploy()
    claimed = scene.running()
    server.kill()
    made = reporter(server.url, FAR, {"run_id": claimed.run_id, "token": claimed.token})
    try:
        server.start()

        assert made.wait(60) == 0
        assert scene.state() is State.SCHEDULED
    finally:
        made.kill()
        store.close()
        server.stop()
