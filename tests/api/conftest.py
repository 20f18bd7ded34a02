"""Facts to ask the API about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.store.connection import open_store
from tests.cli.seeds import Seeds
from tests.support import Server


@pytest.fixture
def seeds(server: Server) -> Iterator[Seeds]:
    store = open_store(server.url)
    yield Seeds(store)
    store.close()
