"""A place to serve in: the server of the worker, an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.serving import Place
from tests.support import Server


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    """Ends its runners, and waits for what they leave behind."""
    place = Place(server, tmp_path)
    yield place
    place.end()
