"""Stands between one host and the server: cuts, delays, swallows, loses replies, holds commands.

Requests are forwarded command by command, so that the n-th one can be held back exactly there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

CHUNK = 1 << 16


@dataclass(eq=False)
class Hold:
    """The ``number``-th command with ``marker`` waits, and its connection with it."""

    marker: bytes
    number: int
    reached: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Loss:
    """The reply to the ``number``-th command with ``marker`` is lost, and its connection."""

    marker: bytes
    number: int
    reached: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class _Link:
    """One connection of a client."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    doomed: bool = False
    """Something of it was swallowed: nothing more may come through."""

    def abort(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Forwards between the socket ``path`` and the ``server``'s. All methods: any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Path, path: Path) -> None:
        self._loop, self._server, self.path = loop, server, path
        self._links: set[_Link] = set()
        self._holds: list[Hold] = []
        self._losses: list[Loss] = []
        self._refusing = self._swallowing = False
        self._delay = 0.0
        self.lost = 0
        """Replies that were lost."""

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    @property
    def has_swallowed(self) -> bool:
        """Whether something was, on a connection that is still there."""
        return any(link.doomed for link in list(self._links))

    def cut(self) -> None:
        """Break every connection, refuse new ones until ``mend``."""
        self._refusing = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def swallow(self) -> None:
        """Take everything and forward nothing until ``mend``: nobody hears of it."""
        self._swallowing = True

    def delay(self, seconds: float) -> None:
        """Each piece in each direction comes so much later, until ``mend``."""
        self._delay = seconds

    def lose_reply(self, marker: bytes, number: int = 1) -> Loss:
        """Break the connection of the ``number``-th command from now on that has ``marker``, once
        the server has it."""
        loss = Loss(marker, number)
        self._losses.append(loss)
        return loss

    def hold(self, marker: bytes, number: int = 1) -> Hold:
        """Hold back the ``number``-th command from now on that has ``marker``."""
        hold = Hold(marker, number)
        self._holds.append(hold)
        return hold

    def release(self, hold: Hold) -> None:
        """Let it through."""
        self._loop.call_soon_threadsafe(hold.released.set)

    def mend(self) -> None:
        """From now on all is well. Connections that lost something are broken."""
        self._refusing = self._swallowing = False
        self._delay = 0.0
        self._losses.clear()
        self._loop.call_soon_threadsafe(self._abort_doomed)

    async def listen(self) -> None:
        self._listening = await asyncio.start_unix_server(self._accept, self.path, limit=CHUNK)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._refusing:
            client.transport.abort()
            return
        try:
            answers, server = await asyncio.open_unix_connection(self._server)
        except OSError:
            client.transport.abort()  # the server is away
            return
        link = _Link(client, server)
        self._links.add(link)
        try:
            await asyncio.gather(self._requests(link, reader), self._replies(link, answers))
        except (OSError, asyncio.CancelledError):
            pass  # one side has gone, or all is over
        finally:
            self._links.discard(link)
            link.abort()

    async def _requests(self, link: _Link, reader: asyncio.StreamReader) -> None:
        rest = b""
        while data := await reader.read(CHUNK):
            await self._wait()
            if self._swallowing:
                link.doomed = True
            commands, rest = split_commands(rest + data)
            for command in commands:
                await self._forward(link, command)
        link.abort()

    async def _forward(self, link: _Link, command: bytes) -> None:
        if link.doomed:
            return
        await self._held(command)
        link.server.write(command)
        await link.server.drain()
        for loss in self._losses:
            if loss.marker in command:
                loss.number -= 1
                if loss.number == 0:
                    self._losses.remove(loss)
                    self.lost += 1
                    link.doomed = True
                    loss.reached.set()
                break

    async def _held(self, command: bytes) -> None:
        for hold in self._holds:
            if hold.marker in command:
                hold.number -= 1
                if hold.number == 0:
                    self._holds.remove(hold)
                    hold.reached.set()
                    await hold.released.wait()
                    return

    async def _replies(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK):
            await self._wait()
            if self._swallowing:
                link.doomed = True
            elif link.doomed:
                break
            else:
                link.client.write(data)
                await link.client.drain()
        if not self._swallowing:
            link.abort()

    async def _wait(self) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)

    def _abort_all(self) -> None:
        for link in self._links:
            link.abort()

    def _abort_doomed(self) -> None:
        for link in self._links:
            if link.doomed:
                link.abort()


class Proxies:
    """A thread in which all proxies work; use it in ``with``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)

    def open(self, server: Path, path: Path) -> Proxy:
        """A proxy that listens on ``path``."""
        proxy = Proxy(self._loop, server, path)
        self._await(proxy.listen()).result(10)
        return proxy

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._end()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _await(self, coroutine: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


def split_commands(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole commands (RESP arrays) at the start, and the rest, which is not whole yet."""
    commands, start = [], 0
    while (end := _end_of_command(data, start)) is not None:
        commands.append(data[start:end])
        start = end
    return commands, data[start:]


def _end_of_command(data: bytes, start: int) -> int | None:
    line = data.find(b"\r\n", start)
    if line < 0:
        return None
    if data[start : start + 1] != b"*":
        return line + 2  # an inline command
    place = line + 2
    for _ in range(int(data[start + 1 : line])):
        line = data.find(b"\r\n", place)
        if line < 0:
            return None
        place = line + 2 + int(data[place + 1 : line]) + 2
    return place if place <= len(data) else None
