"""A client for the length of a command, with the nearest names when a deployment is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from orchestrator.model.errors import DeploymentNotFound

if TYPE_CHECKING:  # the client imports redis
    from orchestrator.client import Client

_SUGGESTIONS = 3


@contextmanager
def connected() -> Iterator[Client]:
    """A client of the configured server, or of the embedded one, started when need be."""
    from orchestrator.client import Client

    with Client() as client:
        try:
            yield client
        except DeploymentNotFound as error:
            known = [deployment.name for deployment in client.deployments()]
            if suggestions := nearest(error.name, known):
                error.add_note(f"Did you mean {' or '.join(suggestions)}?")
            raise


def nearest(name: str, known: list[str]) -> list[str]:
    """Full names that somebody who typed ``name`` may have meant, the likeliest first."""
    # Half of a full name is the commonest slip, and too far away for a measure of likeness.
    halves = [full for full in known if name in full.split("/")]
    return (halves or get_close_matches(name, known, _SUGGESTIONS))[:_SUGGESTIONS]
