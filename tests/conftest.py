"""One server per test worker; an empty database per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.support import Server, binaries


@pytest.fixture(scope="session", params=binaries(), ids=lambda path: path.rpartition("/")[2])
def every_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each kind of server in turn, for tests of scripts."""
    server = Server(binary=request.param).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server_of_worker() -> Iterator[Server]:
    server = Server().start()
    yield server
    server.stop()


@pytest.fixture
def server(server_of_worker: Server) -> Server:
    """The embedded Valkey, empty."""
    with redis.Redis.from_url(server_of_worker.url) as client:
        client.flushall()
    return server_of_worker
