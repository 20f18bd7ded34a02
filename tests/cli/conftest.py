"""A terminal for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.support import Server


@pytest.fixture
def terminal(server: Server, tmp_path: Path) -> Terminal:
    """A terminal with the test's empty server configured."""
    return Terminal(server.url, tmp_path)
