"""No room on the disk of a runner: its working folder, home and temporary folder are full."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.model.run import Run
from orchestrator.model.states import State
from tests.runner.serving import Place, definition
from tests.support import Server, eventually
from tests.support.processes import children, gone

NAMES = ("forked/test", "fresh/test")
FLOWS = """
import tempfile

def write(name):
    Path(name).write_text("x" * 100_000)

@flow
def forked(deed):
    return eval(deed)

@flow
def fresh(deed):
    return eval(deed)
"""
PRIVATE = ["unshare", "--mount"] + ["--map-root-user"] * (os.geteuid() != 0)
FILLED = 'mount -t tmpfs -o size=64k none "$0" && ! cat /dev/zero >"$0/all" 2>&- && exec "$@"'


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    yield place
    place.end()


def done(place: Place, name: str, deed: str) -> Run:
    return place.ended(place.submit(name, deed=deed), within=60)


@pytest.mark.long
def test_F72_on_a_full_disk_runs_fail_with_the_reason_and_their_runner_goes_on(
    place: Place,
) -> None:
    """Its working folder, home and temporary folder are on that disk, its code is not."""
    place.flows(FLOWS)
    full = place.folder / "full"
    full.mkdir()
    place.environment = dict.fromkeys(("TMPDIR", "HOME", "ORCHESTRATOR_HOME"), str(full))
    served = [definition(NAMES[0]), definition(NAMES[1], isolation="spawn")]
    place.deploy(*served)
    spec = replace(place.spec(*served), cwd=str(full), home=str(full))
    runner = place.launch(spec.to_json(), before=[*PRIVATE, "sh", "-c", FILLED, str(full)])
    for name in NAMES:
        run = done(place, name, "write('here')")
        assert (run.state, run.reason) == (
            State.FAILED,
            "OSError: [Errno 28] No space left on device",
        )
        assert done(place, name, "tempfile.gettempdir() != os.getcwd()").result is True
        assert done(place, name, "print('x' * 100_000)").state is State.COMPLETED
    (spawner,) = children(runner.pid)
    os.kill(spawner, signal.SIGKILL)
    gone([spawner])
    eventually(lambda: children(runner.pid), within=60, why="another spawner")
    assert done(place, NAMES[0], "sorted(os.listdir())").result == ["all", "here"]
    assert runner.drain() == 0
