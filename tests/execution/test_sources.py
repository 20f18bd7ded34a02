"""Which code an import really takes while sources are noted."""

from __future__ import annotations

import os
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from orchestrator.execution.sources import FRESH_SECONDS, Sources


@pytest.fixture(autouse=True)
def bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is written, whatever the tests were started with."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def imported(path: Path) -> object:
    """What the module says, as a spawner that has just begun takes it."""
    spec = spec_from_file_location("said", path, loader=SourceFileLoader("said", str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with Sources().noting():
        spec.loader.exec_module(module)
    return module.said


def write(path: Path, said: int, at: float) -> None:
    path.write_text(f"said = {said}\n")
    os.utime(path, (at, at))


def test_a_file_that_changed_twice_in_a_second_is_taken_as_it_is(tmp_path: Path) -> None:
    path, now = tmp_path / "flows.py", time.time()
    write(path, 1, now)
    assert imported(path) == 1
    write(path, 2, now)
    assert imported(path) == 2


def test_a_file_that_has_lain_for_a_while_is_compiled_once(tmp_path: Path) -> None:
    path = tmp_path / "flows.py"
    write(path, 1, time.time() - FRESH_SECONDS - 60)
    assert imported(path) == 1
    assert Path(cache_from_source(str(path))).exists()
