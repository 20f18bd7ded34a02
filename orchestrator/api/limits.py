"""How much a request may send."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes: eight runs with the largest parameters there can be, or thousands with common ones."""


class LimitedBody:
    """The application, which sees at most ``LARGEST_BODY`` bytes of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = Headers(scope=scope).get("content-length", "")
        # What is said is refused before it is read; what is not said is counted.
        too_long = said.isdecimal() and int(said) > LARGEST_BODY
        read = 0

        async def counted() -> Message:
            nonlocal read
            if too_long:
                raise _too_large()
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise _too_large()
            return message

        await self._app(scope, counted, send)


def _too_large() -> HTTPException:
    return HTTPException(413, f"a body may have at most {LARGEST_BODY:,} bytes")
