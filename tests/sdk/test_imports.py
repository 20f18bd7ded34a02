"""What is loaded when: start-up time as a list of modules, which no machine's speed changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import orchestrator

HEAVY = {"redis", "pydantic", "jsonschema_rs", "cloudpickle", "croniter", "asyncio", "typer"}
HEAVY |= {"fastapi", "starlette", "uvicorn"}

PLAIN_FLOW = """
from orchestrator import flow
@flow(log_prints=True)
def add(a: int, b: float = 1, names: list[str] | None = None) -> float:
    return a + b
assert add.run_with({"a": 1, "names": None}) == 2
"""
PLAIN_PREPARED = PLAIN_FLOW + "add.prepare()\n"
PLAIN_SCHEMA = PLAIN_FLOW + "add.parameters.schema()\n"


def loaded_by(code: str) -> set[str]:
    """The modules that this code loads in a fresh interpreter."""
    listing = "import sys; before = set(sys.modules)\n{}\nprint(*set(sys.modules) - before)"
    words = [sys.executable, "-c", listing.format(code)]
    return set(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_package_loads_nothing_else_of_ours() -> None:
    loaded = loaded_by("import orchestrator")

    assert {name for name in loaded if name.startswith("orchestrator")} == {"orchestrator"}
    assert not loaded & {*HEAVY, "dataclasses", "inspect", "json", "logging"}


@pytest.mark.parametrize("code", [PLAIN_FLOW, PLAIN_PREPARED, PLAIN_SCHEMA])
def test_a_flow_of_plain_types_needs_no_library(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_a_flow_prepares_what_its_runs_need() -> None:
    """Imported in the spawner, it is there in every run forked from it."""
    code = "import datetime\nfrom orchestrator import flow\n"
    code += "@flow\nasync def later(day: datetime.date): return day\n"
    code += "later.prepare(); before |= set(sys.modules); later.run_with({'day': '2026-11-22'})"

    missing = loaded_by(code)
    assert not {name for name in missing if name.startswith(("pydantic", "orchestrator"))}


def test_serving_a_flow_of_plain_types_needs_neither_redis_nor_pydantic(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(PLAIN_FLOW)
    code = f"import sys; sys.path.append({str(tmp_path)!r}); from plain import add\n"
    code += "add.to_deployment('x', interval=5)\nimport orchestrator.serving"

    heavy = {"redis", "pydantic", "asyncio", "typer", "cloudpickle", "croniter"}
    assert not loaded_by(code) & heavy


@pytest.mark.parametrize("name", orchestrator.__all__)
def test_every_name_exists_and_is_listed(name: str) -> None:
    assert getattr(orchestrator, name).__name__ == name
    assert name in dir(orchestrator)


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = orchestrator.nonsense


def test_names_stay_functions_whatever_was_imported_first() -> None:
    """No submodule has the name of a function: importing it would put the module in its place."""
    code = "import orchestrator.flows, orchestrator.serving, orchestrator.runs\n"
    loaded_by(
        code + "from orchestrator import flow, serve; assert callable(flow) and callable(serve)"
    )
