"""A terminal for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.connection import open_store
from tests.cli.seeds import Seeds
from tests.cli.terminal import Terminal
from tests.support import Server


@pytest.fixture
def terminal(server: Server, tmp_path: Path) -> Terminal:
    """A terminal with the test's empty server configured."""
    return Terminal(server.url, tmp_path)


@pytest.fixture
def seeds(server: Server) -> Iterator[Seeds]:
    """Facts for the same server."""
    store = open_store(server.url)
    yield Seeds(store)
    store.close()
