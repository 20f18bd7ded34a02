"""One server per test worker; an empty database per test; the invariants after each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support import Server, binaries
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client
from tests.support.recorder import Recorder

if TYPE_CHECKING:  # the web packages, which few tests need
    from tests.api.serving import Served
    from tests.cli.seeds import Seeds


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what is to run in its background with SIGINT ignored, and so would be whatever
    # the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(Recorder(), "replies of the scripts")
    config.addinivalue_line(
        "markers", "damages_keys: writes keys by hand; the invariants need not hold after it"
    )


@pytest.fixture(autouse=True)
def invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that used a server: what it left there keeps every invariant.

    Being asked for first, this ends last: every process of the test is gone by then.
    """
    used = [name for name in ("server_of_worker", "every_server") if name in request.fixturenames]
    servers: list[Server] = [request.getfixturevalue(name) for name in used]
    yield
    damaged = request.node.get_closest_marker("damages_keys")
    for server in servers:
        with open_client(server.url) as client:
            if damaged:
                client.flushall()
            else:
                assert_invariants(client)


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


@pytest.fixture(scope="session")
def api_of_worker(server_of_worker: Server) -> Iterator[Served]:
    from tests.api.serving import serving

    with serving(server_of_worker.url) as served:
        yield served


@pytest.fixture
def api(server: Server, api_of_worker: Served) -> Served:
    """An API over the server, open to this machine: no keys are set."""
    return api_of_worker


@pytest.fixture
def pages(api: Served) -> Served:
    """The same: it serves the pages, too."""
    return api


@pytest.fixture
def seeds(server: Server) -> Iterator[Seeds]:
    """Puts facts into the server, to be asked about and looked at."""
    from orchestrator.store.connection import open_store
    from tests.cli.seeds import Seeds

    store = open_store(server.url)
    yield Seeds(store)
    store.close()


@pytest.fixture
def server(server_of_worker: Server) -> Server:
    """The embedded Valkey, empty."""
    with redis.Redis.from_url(server_of_worker.url) as client:
        client.flushall()
    return server_of_worker
