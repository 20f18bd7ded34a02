"""A desk with a spawner for every test that asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.desk import Open, desks


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Open]:
    with desks(tmp_path) as opener:
        yield opener
