"""The docs name, for each invariant, tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DOCS = (TESTS.parent / "docs" / "invariants.md").read_text()


def test_each_invariant_has_tests() -> None:
    told = re.findall(r"^\| \*\*(I\d+)\*\*", DOCS, re.MULTILINE)
    held = dict(re.findall(r"^\| (I\d+) \| (.*) \|$", DOCS, re.MULTILINE))
    assert list(held) == told
    named = [name for names in held.values() for name in re.findall(r"`(.*?)`", names)]
    assert [name for name in named if not (TESTS / f"{name}.py").exists()] == []
