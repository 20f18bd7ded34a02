"""A place to schedule in: the server of the worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scheduler.scheduling import Place
from tests.support import Server


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    """Ends its schedulers."""
    place = Place(server)
    yield place
    place.end()
