"""The runner's modules for tests of pure parts, through the one door that programs have."""

from __future__ import annotations

import importlib
from typing import Any

from orchestrator.programs import load_program


def part(name: str) -> Any:
    """The module of that name inside the runner."""
    load_program("runner")
    return importlib.import_module(f"runner.{name}")
