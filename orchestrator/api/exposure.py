"""Who can reach the API."""

from __future__ import annotations

from orchestrator.embedded.api import LOOPBACK
from orchestrator.model.errors import InvalidOption
from orchestrator.settings import Settings


def check_exposure(settings: Settings) -> None:
    """Nothing, when who can reach the API either is on this machine or needs a key.

    Raises:
        InvalidOption: anybody in the network could use it.
    """
    if settings.api_host not in LOOPBACK and not settings.api_key:
        why = "others could use it: set ORCHESTRATOR_API_KEY, or listen on 127.0.0.1"
        raise InvalidOption("api_host", settings.api_host, why)
