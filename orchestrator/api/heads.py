"""HEAD, wherever GET is answered (RFC 9110, 9.1): the same status and headers, and no body."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AnsweringHead:
    """Asks the application to GET, and lets it go as soon as it has said what it would send: a
    stream has no end to wait for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        begun = asyncio.Event()

        async def head_only(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                begun.set()

        getting = asyncio.create_task(_get(self._app, scope, receive, head_only))
        saying = asyncio.create_task(begun.wait())
        try:
            await asyncio.wait((getting, saying), return_when=asyncio.FIRST_COMPLETED)
            if begun.is_set():
                await send({"type": "http.response.body", "body": b""})
            else:
                await getting  # it has failed
        finally:
            saying.cancel()
            getting.cancel()
            with suppress(asyncio.CancelledError):
                await getting


async def _get(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app({**scope, "method": "GET"}, receive, send)
