"""An API over the worker's server, which each test finds empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.serving import Served, serving
from tests.support import Server


@pytest.fixture(scope="session")
def api_of_worker(server_of_worker: Server) -> Iterator[Served]:
    with serving(server_of_worker.url) as served:
        yield served


@pytest.fixture
def api(server: Server, api_of_worker: Served) -> Served:
    """Open to this machine: no keys are set."""
    return api_of_worker
