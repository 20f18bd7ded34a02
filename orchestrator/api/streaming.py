"""Server-sent events: how a message looks, and streams that end when the API does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse

EVERY_SECONDS = 0.5
"""Between two looks of a stream at what changes without a word."""

SILENCE_SECONDS = 15.0
"""After so long something is sent, so that nobody in between takes the connection for dead."""

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}
}
"""What the OpenAPI document says of a stream."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(messages: AsyncIterator[bytes]) -> StreamingResponse:
    """A response that sends these."""
    return StreamingResponse(messages, media_type="text/event-stream", headers=_HEADERS)


def message(kind: str, data: Any, position: str = "") -> bytes:
    """One event; ``position`` is what the browser shows when it comes back."""
    # ASCII without line ends: a field ends where its line ends.
    text = json.dumps(data, separators=(",", ":"))
    head = f"id: {position}\n" if position else ""
    return f"{head}event: {kind}\ndata: {text}\n\n".encode("ascii")


class Pulse:
    """Whether a stream goes on, and when it has been silent for too long."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._first = True
        self._sent_at = time.monotonic()

    async def beats(self) -> bool:
        """Whether to look once more; waits between two looks."""
        if not self._first:
            await asyncio.sleep(EVERY_SECONDS)
        self._first = False
        return not self._request.app.state.stopping.is_set()

    def comment(self) -> bytes:
        """What to send when there is nothing: mostly nothing."""
        if time.monotonic() - self._sent_at < SILENCE_SECONDS:
            return b""
        self._sent_at = time.monotonic()
        return b": still here\n\n"
