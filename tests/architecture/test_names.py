"""``runner`` and ``scheduler`` are names that users have too: theirs and ours never meet.

Each test puts a ``runner.py`` and a ``scheduler.py`` beside the user's script. Where ours must run,
theirs end the process when they are imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from orchestrator import Client
from orchestrator.programs import HOME, command_of
from tests.support import Server, eventually
from tests.support.processes import scripts

Place = Literal["script's folder first", "PYTHONPATH first"]
PROGRAMS = ("runner", "scheduler")
LOADS = "from orchestrator.programs import load_program; print(load_program({!r}).__file__)"


FLOWS = """
from orchestrator import flow

@flow
def imports_its_own():
    import runner
    import scheduler
    return [runner.OWNER, scheduler.OWNER]

if __name__ == "__main__":
    imports_its_own.serve(name="here", pause_on_shutdown=False)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with hostile neighbours."""
    for name in PROGRAMS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the user\\'s {name} ran')")
    return tmp_path


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("place", ["script's folder first", "PYTHONPATH first"])
def test_our_programs_are_found_beside_our_package(
    name: Literal["runner", "scheduler"], place: Place, folder: Path
) -> None:
    script = folder / "main.py"
    script.write_text(LOADS.format(name))

    ended = subprocess.run(
        [sys.executable, str(script)],
        env=environment(folder, place),
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(ended.stdout.strip()) == HOME / name / "__init__.py"


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("place", ["script's folder first", "PYTHONPATH first"])
def test_programs_start_by_path_whatever_lies_in_the_folder(
    name: Literal["runner", "scheduler"], place: Place, folder: Path
) -> None:
    """Wrong usage (exit code 2) is our program speaking; the user's file would exit with 1."""
    words = command_of(name, "--no-such-option")

    ended = subprocess.run(
        words, cwd=folder, env=environment(folder, place), capture_output=True, check=False
    )

    assert ended.returncode == 2, ended.stderr.decode()


def environment(folder: Path, place: Place) -> dict[str, str]:
    paths = [str(HOME)] if place == "script's folder first" else [str(folder), str(HOME)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.parametrize("place", ["script's folder first", "PYTHONPATH first"])
def test_a_flow_imports_the_users_own_files(place: Place, server: Server, tmp_path: Path) -> None:
    for name in PROGRAMS:
        (tmp_path / f"{name}.py").write_text(f"OWNER = 'the user of {name}'")
    settings = {
        "ORCHESTRATOR_REDIS_URL": server.url,
        "ORCHESTRATOR_HOME": str(tmp_path / "home"),
        "PYTHONPATH": environment(tmp_path, place)["PYTHONPATH"],
    }
    with scripts(tmp_path, **settings) as starter, Client(server.url) as client:
        starter.python(FLOWS)
        eventually(client.deployments, why="the script serves")
        run = client.create_run("imports-its-own/here")
        ended = client.wait_for_run(run.id, timeout=20)

    assert ended.result == ["the user of runner", "the user of scheduler"], ended.error
