"""What a function's call comes to: coroutines awaited, generators driven to their end."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any


def needs_loop(fn: Callable[..., Any]) -> bool:
    """Whether calling it takes an event loop."""
    return inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn)


def outcome_of(answer: Any, fn: Callable[..., Any]) -> Any:
    """What ``fn`` comes to, having answered this.

    What a generator yields is passed over, one by one: there may be more of it than memory holds.
    """
    if inspect.isgeneratorfunction(fn):
        return _returned(answer)
    if inspect.iscoroutine(answer):
        return _awaited(answer)
    return _awaited(_passed_over(answer)) if inspect.isasyncgenfunction(fn) else answer


def _returned(generator: Generator[Any, Any, Any]) -> Any:
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


async def _passed_over(generator: AsyncIterator[Any]) -> None:
    async for _ in generator:
        pass


def _awaited(answer: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await answer

    return asyncio.run(wait())
