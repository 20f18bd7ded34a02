"""A store on each kind of server, empty before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from tests.store.scene import Scene
from tests.support import Server
from tests.support.keyspace import Client, open_client


@pytest.fixture
def client(every_server: Server) -> Iterator[Client]:
    """A plain client of the same server, for looking behind the scenes."""
    with open_client(every_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def store(every_server: Server, client: Client) -> Iterator[Store]:
    store = open_store(every_server.url)
    yield store
    store.close()


@pytest.fixture
def scene(store: Store) -> Scene:
    """The deployment of ``scene``, served by one runner."""
    scene = Scene(store)
    scene.deploy()
    return scene


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that a test may kill."""
    server = Server().start()
    yield server
    server.stop()
