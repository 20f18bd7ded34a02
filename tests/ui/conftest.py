"""The pages of the worker's server, and facts to show on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.store.connection import open_store
from tests.api.serving import Served, serving
from tests.cli.seeds import Seeds
from tests.support import Server


@pytest.fixture(scope="session")
def pages_of_worker(server_of_worker: Server) -> Iterator[Served]:
    with serving(server_of_worker.url) as served:
        yield served


@pytest.fixture
def pages(server: Server, pages_of_worker: Served) -> Served:
    return pages_of_worker


@pytest.fixture
def seeds(server: Server) -> Iterator[Seeds]:
    store = open_store(server.url)
    yield Seeds(store)
    store.close()
