"""kill -9 of the guardian: whoever serves brings the server back, and no run is lost (I1)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from orchestrator import Client
from orchestrator.embedded import ensure_server, stop_server
from orchestrator.embedded.home import Home
from orchestrator.embedded.state import read_state
from orchestrator.model.states import State
from orchestrator.settings import load_settings
from tests.support import eventually
from tests.support.processes import scripts

FLOWS = """
import os, time
from orchestrator import flow

@flow
def patient():
    open("begun", "w")
    while not os.path.exists("may-end"):
        time.sleep(0.01)
    return "done"

if __name__ == "__main__":
    patient.serve(name="here", pause_on_shutdown=False)
"""


def test_I1_a_killed_guardian_is_replaced_by_a_runner(tmp_path: Path) -> None:
    settings = load_settings({"ORCHESTRATOR_HOME": str(tmp_path / "home")}, tmp_path)
    url = ensure_server(settings)
    try:
        with scripts(tmp_path, **settings.environment()) as starter, Client(url) as client:
            starter.python(FLOWS)
            eventually(lambda: any(d.runners for d in client.deployments()), why="served")
            run = client.create_run("patient/here")
            eventually((tmp_path / "begun").exists, why="the run began")
            state = read_state(Home(settings.home).state)
            assert state

            os.kill(state.pid, signal.SIGKILL)

            def successor() -> bool:
                now = read_state(Home(settings.home).state)
                return bool(now and now.ready and now.pid != state.pid)

            eventually(successor, within=30, why="another guardian serves")
            (tmp_path / "may-end").touch()
            done = client.wait_for_run(run.id, timeout=30)
            assert (done.state, done.attempt, done.result) == (State.COMPLETED, 1, "done")
    finally:
        stop_server(settings)
