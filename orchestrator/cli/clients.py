"""A client for the length of a command, and what helps when it refuses something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.cli.accepted import hint
from orchestrator.cli.nearest import nearest
from orchestrator.model.errors import DeploymentNotFound, InvalidParameters

if TYPE_CHECKING:  # the client imports redis
    from orchestrator.client.client import Client


@contextmanager
def connected() -> Iterator[Client]:
    """A client of the configured server, or of the embedded one, started when need be."""
    from orchestrator.client.client import Client

    with Client() as client:
        try:
            yield client
        except DeploymentNotFound as error:
            known = [deployment.name for deployment in client.deployments()]
            if suggestions := nearest(error.name, known):
                error.add_note(f"Did you mean {' or '.join(suggestions)}?")
            raise
        except InvalidParameters as error:
            error.add_note(hint(client.deployment(error.deployment), error))
            raise
