"""What is asked of the server, as values: built and parsed here without any I/O.

A ``Request`` is one command and how to read its reply. A ``Plan`` is a generator that yields lists
of requests, gets the lists of their replies, and returns a result: whoever executes it, sync or
async, sends each list as one pipeline. So every operation is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchestrator.store.scripts import Script

T = TypeVar("T")
Argument = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One command (or call of a script) and the way to read its reply.

    ``words`` of a script call leave out EVALSHA, hash and number of keys: the caller adds them,
    since only the caller can answer NOSCRIPT.
    """

    words: tuple[Argument, ...]
    parse: Callable[[Any], T]
    script: Script | None = None
    keys: int = 0


Plan = Generator[Sequence[Request[Any]], list[Any], T]
"""Steps with I/O left out: ``replies = yield [request, ...]``, then ``return result``."""


def command(parse: Callable[[Any], T], *words: Argument) -> Request[T]:
    """A plain command."""
    return Request(words, parse)


def as_is(reply: Any) -> Any:
    """For replies that need no reading."""
    return reply
