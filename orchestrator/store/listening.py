"""Hearing what is published. A message only ever says "look again" (F35); none is relied upon."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from redis.exceptions import TimeoutError as RedisTimeoutError

from orchestrator.store.failures import UNAVAILABLE, meaning
from orchestrator.store.links import AsyncLink, Link

SILENCE_SECONDS = 15.0
"""After so long without a message the connection is tried with a PING."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

Message = tuple[str, str]
"""Channel and text."""


class Subscription:
    """Some channels, heard by one thread. Messages published after it was made are not missed."""

    def __init__(self, url: str, link: Link, channels: tuple[str, ...]) -> None:
        self._url, self._link = url, link
        try:
            link.connect()
            link.send_packed_command(link.pack_commands([("SUBSCRIBE", *channels)]), False)
            for _ in channels:
                link.read_response(disconnect_on_error=False)
        except UNAVAILABLE as error:
            raise meaning(url, error) from error

    def wait(self, timeout: float) -> Message | None:
        """The next message, or None after ``timeout`` seconds.

        Raises:
            ServerUnavailable: the connection broke; messages may have been missed.
        """
        deadline = time.monotonic() + timeout
        try:
            while self._link.can_read(max(0.0, deadline - time.monotonic())):
                message = message_of(self._link.read_response(disconnect_on_error=False))
                if message:
                    return message
        except UNAVAILABLE as error:
            raise meaning(self._url, error) from error
        return None

    def close(self) -> None:
        self._link.disconnect()


async def listen_for_ever(
    connect: Callable[[], AsyncLink], channels: tuple[str, ...]
) -> AsyncGenerator[Message, None]:
    """Messages without end. After each (re)connect comes ``("", "connected")``: look at everything,
    for what was published meanwhile is lost."""
    pause = FIRST_PAUSE
    while True:
        link = connect()
        try:
            await link.connect()
            await _send(link, "SUBSCRIBE", *channels)
            for _ in channels:
                await link.read_response(disconnect_on_error=False)
            pause = FIRST_PAUSE
            yield "", "connected"
            while True:
                message = message_of(await _next_reply(link))
                if message:
                    yield message
        except UNAVAILABLE:
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - only a pause
            pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            await link.disconnect(nowait=True)


async def _next_reply(link: AsyncLink) -> Any:
    """The next reply; in a long silence the server is asked whether it is still there (F26)."""
    try:
        return await link.read_response(timeout=SILENCE_SECONDS, disconnect_on_error=False)
    except (TimeoutError, RedisTimeoutError):
        await _send(link, "PING")
        return await link.read_response(disconnect_on_error=False)


async def _send(link: AsyncLink, *words: str) -> None:
    await link.send_packed_command(link.pack_commands([words]), False)


def message_of(reply: Any) -> Message | None:
    """A published message; None for confirmations and the answer to PING."""
    if isinstance(reply, list) and reply and reply[0] == "message":
        return str(reply[1]), str(reply[2])
    return None
