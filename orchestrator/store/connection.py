"""From a URL to a store: which URLs are understood, and how each connection is set up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from redis import asyncio as redis_async
from redis import connection as redis_sync
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator.model.errors import InvalidOption
from orchestrator.settings import URL_KINDS
from orchestrator.store.caller import AsyncStore, Store
from orchestrator.store.links import ANSWER_SECONDS, AsyncLink, Link

CONNECT_SECONDS = 5.0

# Up to the last @: a password with unescaped characters must not show half.
_SECRET = re.compile(r"(?<=://)([^/@:]*):(.*)@")
_SECRET_OPTION = re.compile(r"(?<=[?&])(password=)[^&]*")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is and how to make a connection to it."""

    url: str
    """Masked: fit for logs and errors."""
    options: dict[str, Any]
    kind: str

    def connect(self) -> Link:
        """A connection for a thread; it opens with its first command."""
        return cast(Link, _SYNC[self.kind](retry=Retry(NoBackoff(), 0), **self.options))

    def connect_async(self) -> AsyncLink:
        """A connection for an event loop. The time that an answer may take is left to whoever asks:
        to time a sending redis-py makes a task of it, and waits for that in a way that loses a
        cancel with Python 3.11 (``asyncio.wait_for``)."""
        options = {**self.options, "socket_timeout": None}
        return cast(AsyncLink, _ASYNC[self.kind](retry=AsyncRetry(NoBackoff(), 0), **options))


_SYNC = {
    "redis": redis_sync.Connection,
    "rediss": redis_sync.SSLConnection,
    "unix": redis_sync.UnixDomainSocketConnection,
}
_ASYNC = {
    "redis": redis_async.Connection,
    "rediss": redis_async.SSLConnection,
    "unix": redis_async.UnixDomainSocketConnection,
}


def open_store(url: str) -> Store:
    """A store for one thread; connects with the first call.

    Raises:
        InvalidOption: the URL cannot be understood.
    """
    place = address(url)
    return Store(place.url, place.connect)


def open_async_store(url: str) -> AsyncStore:
    """A store for one event loop; connects with the first call.

    Raises:
        InvalidOption: the URL cannot be understood.
    """
    place = address(url)
    return AsyncStore(place.url, place.connect_async)


def address(url: str) -> Address:
    """What the URL says.

    Raises:
        InvalidOption: another scheme, no path of a socket, a bad port or option.
    """
    if not url.startswith(URL_KINDS):
        raise _bad(url, f"must begin with {', '.join(URL_KINDS)}")
    try:
        options = redis_sync.parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        # The error's own text may quote a piece of the password.
        raise _bad(
            url, "cannot be read; / # ? @ in a password are written %2F %23 %3F %40"
        ) from None
    options.pop("connection_class", None)
    kind = url.partition(":")[0]
    if kind == "unix" and not options.get("path"):
        raise _bad(url, "names no socket; unix:///path/to/socket does")
    options |= {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "decode_responses": True,
        "encoding_errors": "replace",
        "protocol": 2,
        "driver_info": None,
        "health_check_interval": 0,
    }
    place = Address(mask(url), options, kind)
    try:
        place.connect()
    except TypeError:
        raise _bad(url, "has an option after the ? that is not known") from None
    return place


def mask(url: str) -> str:
    """The URL without its password."""
    return _SECRET_OPTION.sub(r"\1***", _SECRET.sub(r"\1:***@", url))


def _bad(url: str, why: str) -> InvalidOption:
    return InvalidOption("REDIS_URL", mask(url), why)
