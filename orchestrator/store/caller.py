"""Who executes requests: one caller for threads, one for event loops.

Neither ever sends a command twice because a connection broke: scripts are idempotent, and whoever
asked knows whether to ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from orchestrator.store import wire
from orchestrator.store.failures import UNAVAILABLE, meaning
from orchestrator.store.links import ANSWER_SECONDS, AsyncLink, Link, Packed
from orchestrator.store.listening import Ear, Message, Subscription
from orchestrator.store.requests import Plan, Request

T = TypeVar("T")


class Store:
    """A server, for one thread. Every call may raise ServerUnavailable or ServerRefused."""

    def __init__(self, url: str, connect: Callable[[], Link]) -> None:
        self.url = url
        self._connect = connect
        self._link = connect()

    def call(self, request: Request[T]) -> T:
        """What the server answers."""
        result: T = self.call_all([request])[0]
        return result

    def call_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """All answers, of one pipeline. The first error among them is raised."""
        replies = self._exchange(wire.commands_of(requests))
        unknown = wire.unknown_scripts(replies)
        if unknown:
            answers = self._exchange(wire.reload_commands(requests, unknown))
            replies = wire.with_reloaded(replies, unknown, answers)
        return wire.results(self.url, requests, replies)

    def follow(self, plan: Plan[T]) -> T:
        """The result of a plan, its steps executed one pipeline each."""
        replies: list[Any] | None = None
        while True:
            try:
                requests = next(plan) if replies is None else plan.send(replies)
            except StopIteration as end:
                result: T = end.value
                return result
            replies = self.call_all(requests)

    def listen(self, *channels: str) -> Subscription:
        """Hear the channels, on a connection of its own, from the moment this returns."""
        return Subscription(self.url, self._connect(), channels)

    def close(self) -> None:
        self._link.disconnect()

    def _exchange(self, commands: Sequence[wire.Command]) -> list[Any]:
        if not commands:
            return []
        link = self._link
        try:
            if _is_stale(link):
                link.disconnect()
            link.send_packed_command(link.pack_commands(commands), False)
            return [_reply(link) for _ in commands]
        except UNAVAILABLE as error:
            link.disconnect()
            raise meaning(self.url, error) from error


class AsyncStore:
    """A server, for one event loop. Calls made at the same time share one connection and travel as
    one pipeline. Every call may raise ServerUnavailable or ServerRefused."""

    def __init__(self, url: str, connect: Callable[[], AsyncLink]) -> None:
        self.url = url
        self._connect = connect
        self._link = connect()
        self._waiting: list[_Call] = []
        self._pump: asyncio.Task[None] | None = None

    async def call(self, request: Request[T]) -> T:
        """What the server answers."""
        result: T = (await self.call_all([request]))[0]
        return result

    async def call_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """All answers, of one pipeline. The first error among them is raised."""
        replies = await self._exchange(wire.commands_of(requests))
        unknown = wire.unknown_scripts(replies)
        if unknown:
            answers = await self._exchange(wire.reload_commands(requests, unknown))
            replies = wire.with_reloaded(replies, unknown, answers)
        return wire.results(self.url, requests, replies)

    async def follow(self, plan: Plan[T]) -> T:
        """The result of a plan, its steps executed one pipeline each."""
        replies: list[Any] | None = None
        while True:
            try:
                requests = next(plan) if replies is None else plan.send(replies)
            except StopIteration as end:
                result: T = end.value
                return result
            replies = await self.call_all(requests)

    def listen(self, *channels: str) -> AsyncGenerator[Message, None]:
        """Messages of the channels without end; ``("", "connected")`` after each (re)connect."""
        return self.ear(*channels).messages()

    def ear(self, *channels: str) -> Ear:
        """The same with channels that come and go."""
        return Ear(self._connect, channels)

    def apart(self) -> AsyncStore:
        """The same server over a connection of its own: for what must not wait behind others."""
        return AsyncStore(self.url, self._connect)

    async def close(self) -> None:
        if self._pump is not None:
            await self._pump
        await self._link.disconnect()

    async def _exchange(self, commands: Sequence[wire.Command]) -> list[Any]:
        if not commands:
            return []
        answered = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(wire.packed(commands), len(commands), answered))
        if self._pump is None:
            # A task of its own: a caller that is cancelled must not leave replies unread.
            self._pump = asyncio.create_task(self._exchange_waiting())
        replies: list[Any] = await answered
        return replies

    async def _exchange_waiting(self) -> None:
        """Send what waits, as one pipeline; what comes meanwhile is the next one."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._exchange_batch(batch)
        finally:
            self._pump = None

    async def _exchange_batch(self, batch: list[_Call]) -> None:
        link = self._link
        packed = [piece for call in batch for piece in call.packed]
        try:
            # One timer for all, put off as replies come: one each took a fifth of a busy runner's
            # time.
            async with asyncio.timeout(ANSWER_SECONDS) as limit:
                if await _is_stale_async(link):
                    await link.disconnect(nowait=True)
                await link.connect()
                await link.send_packed_command(packed, False)
                for call in batch:
                    call.answer([await _async_reply(link, limit) for _ in range(call.commands)])
        except (RedisError, *UNAVAILABLE) as error:
            await _give_up(link, batch, meaning(self.url, error))
        except Exception as error:  # noqa: BLE001 - whoever asked meets it, and nobody waits for ever
            await _give_up(link, batch, error)


@dataclass(frozen=True, slots=True)
class _Call:
    """Some commands of one caller, and where it waits for the replies."""

    packed: Packed
    commands: int
    answered: asyncio.Future[list[Any]]

    def answer(self, replies: list[Any]) -> None:
        if not self.answered.done():
            self.answered.set_result(replies)

    def fail(self, error: BaseException) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)


async def _give_up(link: AsyncLink, batch: list[_Call], why: BaseException) -> None:
    await link.disconnect(nowait=True)
    for call in batch:
        call.fail(why)


def _is_stale(link: Link) -> bool:
    """A server that restarted since the last call is met with a new connection: nothing was sent
    on the old one, so nothing can happen twice."""
    try:
        return link.is_connected and link.can_read(0)
    except UNAVAILABLE:
        return True


async def _is_stale_async(link: AsyncLink) -> bool:
    """The same for an event loop."""
    try:
        return link.is_connected and await link.can_read()
    except UNAVAILABLE:
        return True


def _reply(link: Link) -> Any:
    """One reply; a refusal of this command is a value, a broken connection an error."""
    try:
        return link.read_response(disconnect_on_error=False)
    except RedisConnectionError:
        raise
    except ResponseError as refusal:
        return refusal


async def _async_reply(link: AsyncLink, limit: asyncio.Timeout) -> Any:
    now = asyncio.get_running_loop().time()
    if (limit.when() or now) - now < ANSWER_SECONDS / 2:
        limit.reschedule(now + ANSWER_SECONDS)
    try:
        return await link.read_response(disconnect_on_error=False)
    except RedisConnectionError:
        raise
    except ResponseError as refusal:
        return refusal
