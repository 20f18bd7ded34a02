"""``Client``: everything that people and programs can ask and do, over one connection."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from orchestrator.client.asking import Asking
from orchestrator.client.deploying import Deploying
from orchestrator.client.noticing import Noticing
from orchestrator.client.overseeing import Overseeing
from orchestrator.client.scheduling import Scheduling
from orchestrator.client.transport import Direct, Transport
from orchestrator.client.triggering import Triggering
from orchestrator.operations.acting import Acting
from orchestrator.settings import Settings, load_settings
from orchestrator.store.connection import open_store
from orchestrator.store.doors import Doors

API_KINDS = ("http://", "https://")


class Client(Asking, Deploying, Scheduling, Overseeing, Noticing, Triggering):
    """A connection to the server: the given one, the configured one, or the embedded one, which
    is started when need be. For one thread; close it, or use it in ``with``.

    With a URL of the API (``http://host:4300``) the same goes through that, with ``api_key`` or the
    one that is configured. Secret parameters come back masked from there.

    Deployments are given as ``flow/deployment`` or by id. Every method may raise
    ServerUnavailable.
    """

    def __init__(self, url: str | None = None, *, api_key: str | None = None) -> None:
        is_api = url is not None and url.startswith(API_KINDS)
        settings = load_settings(redis_url=None if is_api else url)
        retention_ms = round(settings.retention_days * 86_400_000)
        # Through the API it is the API that says who acts, and how long what ends is kept.
        self._acting = Acting(f"person on {socket.gethostname()}", retention_ms)
        self._doors = Doors()
        self._transport = _through(str(url), api_key, settings) if is_api else _to_server(settings)

    def close(self) -> None:
        """Give the connection back. The client can be used again: it connects anew."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _to_server(settings: Settings) -> Transport:
    if settings.redis_url is None:
        from orchestrator.embedded import ensure_server

        return Direct(open_store(ensure_server(settings)))
    return Direct(open_store(settings.redis_url))


def _through(url: str, key: str | None, settings: Settings) -> Transport:
    """The API at ``url``, with the key or else the first one of the settings."""
    from orchestrator.client.remote import Remote
    from orchestrator.model.apikeys import parse_keys

    configured = parse_keys(settings.api_key)[0].secret if settings.api_key else None
    return Remote(url, key or configured)
