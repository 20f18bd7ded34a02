"""What a function's call comes to: coroutines awaited, generators driven to their end."""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any


def needs_loop(fn: Callable[..., Any]) -> bool:
    """Whether calling it takes an event loop."""
    return inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn)


def outcome_of(answer: Any, fn: Callable[..., Any]) -> Any:
    """What ``fn`` comes to, having answered this.

    What a generator yields is passed over, one by one: there may be more of it than memory holds.
    """
    if isinstance(answer, types.CoroutineType):
        return _awaited(answer)
    # A generator that a plain function returns is its value.
    if isinstance(answer, types.GeneratorType) and inspect.isgeneratorfunction(fn):
        return _returned(answer)
    if isinstance(answer, types.AsyncGeneratorType) and inspect.isasyncgenfunction(fn):
        return _awaited(_passed_over(answer))
    return answer


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
