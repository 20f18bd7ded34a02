"""The schema in the docs is the one in the code."""

from __future__ import annotations

import inspect
from pathlib import Path

from orchestrator.store import keys

DOCS = Path(__file__).parents[2] / "docs" / "keys.md"


def test_the_docs_show_the_schema() -> None:
    schema = inspect.getdoc(keys)
    assert schema
    assert f"```\n{schema}\n```" in DOCS.read_text(), "copy the docstring of store/keys.py"
