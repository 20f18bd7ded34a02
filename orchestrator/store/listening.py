"""Hearing what is published. A message only ever says "look again" (F35); none is relied upon."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

from orchestrator.store.failures import UNAVAILABLE, meaning
from orchestrator.store.links import ANSWER_SECONDS, AsyncLink, Link

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


class Ear:
    """What one event loop hears of some channels; they may come and go while it listens."""

    def __init__(self, connect: Callable[[], AsyncLink], channels: tuple[str, ...] = ()) -> None:
        self._connect = connect
        self._channels = dict.fromkeys(channels)
        self._link: AsyncLink | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def add(self, channel: str) -> None:
        """Hear this one too, from the message ``(channel, "subscribed")`` on."""
        self._channels[channel] = None
        self._say("SUBSCRIBE", channel)

    def drop(self, channel: str) -> None:
        """Hear this one no longer."""
        self._channels.pop(channel, None)
        self._say("UNSUBSCRIBE", channel)

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Messages without end. After each (re)connect comes ``("", "connected")``: look at
        everything, for what was published meanwhile is lost."""
        pause = FIRST_PAUSE
        while True:
            link = self._connect()
            try:
                await self._open(link)
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
                self._link = None
                await link.disconnect(nowait=True)

    async def _open(self, link: AsyncLink) -> None:
        """Connect and subscribe."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await link.connect()
            self._link = link  # a channel that comes now is asked for by itself
            channels = tuple(self._channels)
            if channels:
                await _send(link, "SUBSCRIBE", *channels)
            for _ in channels:
                await link.read_response(disconnect_on_error=False)

    def _say(self, *words: str) -> None:
        if self._link is not None:
            task = asyncio.create_task(self._try_to_send(self._link, *words))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _try_to_send(self, link: AsyncLink, *words: str) -> None:
        with suppress(*UNAVAILABLE):  # whoever reads meets it too, and connects anew
            async with asyncio.timeout(ANSWER_SECONDS):
                await _send(link, *words)


async def _next_reply(link: AsyncLink) -> Any:
    """The next reply; in a long silence the server is asked whether it is still there (F26)."""
    # With a time of its own, a read that took longer answers None and raises nothing.
    reply = await link.read_response(timeout=SILENCE_SECONDS, disconnect_on_error=False)
    if reply is None:
        async with asyncio.timeout(ANSWER_SECONDS):
            await _send(link, "PING")
            reply = await link.read_response(disconnect_on_error=False)
    return reply


async def _send(link: AsyncLink, *words: str) -> None:
    await link.send_packed_command(link.pack_commands([words]), False)


def message_of(reply: Any) -> Message | None:
    """A published message, or that a channel is heard from now on; None for the answer to PING."""
    match reply:
        case ["message", channel, text]:
            return str(channel), str(text)
        case ["subscribe", channel, _]:
            return str(channel), "subscribed"
    return None
