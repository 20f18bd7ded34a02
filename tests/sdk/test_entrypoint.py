"""A flow by its entrypoint, loaded in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator import FlowNotLoaded, InvalidOption
from orchestrator.entrypoint import deployment_of_entrypoint

SCRIPT = """
import neighbour
from orchestrator import flow, serve
print("loading")
@flow(name="nightly", retries=3)
def run_nightly(day: str, rows: int = 1):
    "Load the day."
serve(run_nightly.to_deployment("never"))
not_a_flow = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "neighbour.py").touch()
    (tmp_path / "etl.py").write_text(SCRIPT)
    (tmp_path / "broken.py").write_text("import does_not_exist\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(4)\n")
    (tmp_path / "dies.py").write_text("import os\nos._exit(5)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", ["etl.py", "./etl.py", "etl"])
def test_a_flow_is_described(place: str, folder: Path) -> None:
    deployment = deployment_of_entrypoint(
        f"{place}:run_nightly", "deep", {"cron": "0 3 * * *", "parameters": {"rows": 2}}
    )
    definition = deployment.definition

    assert deployment.name == "nightly/deep"
    assert (definition.description, definition.options.retries) == ("Load the day.", 3)
    assert definition.parameter_schema["required"] == ["day"]
    assert deployment.sys_path == (str(folder),)
    where = {"module": "etl"} if place == "etl" else {"path": str(folder / "etl.py")}
    assert deployment.source == {**where, "qualname": "run_nightly"}
    assert "neighbour" not in sys.modules, "user code stays out of this process"


def test_the_name_defaults_to_the_flows() -> None:
    assert deployment_of_entrypoint("etl.py:run_nightly").name == "nightly/nightly"


@pytest.mark.parametrize(
    ("entrypoint", "message"),
    [
        ("etl.py", "PATH:FLOW"),
        ("etl.py:", "PATH:FLOW"),
        (":run_nightly", "PATH:FLOW"),
        ("etl.py:nope", "found: run_nightly"),
        ("etl.py:not_a_flow", "found: run_nightly"),
        ("missing.py:nope", "no such file"),
        ("missing:nope", "No module named 'missing'"),
        ("broken.py:nope", "No module named 'does_not_exist'"),
        ("leaves.py:nope", "SystemExit: 4"),
        ("dies.py:nope", "ended with code 5"),
    ],
)
def test_what_cannot_be_loaded(entrypoint: str, message: str) -> None:
    with pytest.raises(FlowNotLoaded, match=message):
        deployment_of_entrypoint(entrypoint)


def test_options_are_checked() -> None:
    with pytest.raises(InvalidOption, match="limit=0"):
        deployment_of_entrypoint("etl.py:run_nightly", options={"limit": 0})
