"""One sender for the small writes of all runs: what collects meanwhile travels as one pipeline.

While a pipeline is on its way the next one gathers, so a single run pays no delay and many runs
share round trips. A pipeline that got no answer is sent again unchanged: everything that comes here
is idempotent by a token or nonce (I15), except log lines, which may then appear twice rather than
not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from orchestrator.model.errors import ServerUnavailable
from orchestrator.store.caller import AsyncStore
from orchestrator.store.requests import Request

from . import events
from .contact import Contact

T = TypeVar("T")

MOST_AT_ONCE = 256
"""Calls of one pipeline: a reply must not keep the next start waiting for long."""


@dataclass(frozen=True, slots=True)
class _Write:
    request: Request[Any]
    then: Callable[[Any], None]
    otherwise: Callable[[Exception], None] | None


class Writes:
    """Takes requests, sends them in order, hands each reply to its callback."""

    def __init__(self, store: AsyncStore, contact: Contact) -> None:
        self._store, self._contact = store, contact
        self._waiting: list[_Write] = []
        self._some = asyncio.Event()

    def add(
        self,
        request: Request[T],
        then: Callable[[T], None],
        otherwise: Callable[[Exception], None] | None = None,
    ) -> None:
        """Send soon, in order. ``otherwise``: the server answers, but refuses this request."""
        self._waiting.append(_Write(request, then, otherwise))
        self._some.set()

    async def loop(self) -> None:
        """Send for ever."""
        while True:
            await self._some.wait()
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if not self._waiting:
                self._some.clear()
            replies = await self._contact.persist(partial(self._send, batch))
            for write, reply in zip(batch, replies, strict=True):
                _answer(write, reply)

    async def _send(self, batch: list[_Write]) -> list[Any]:
        try:
            return await self._store.call_all([write.request for write in batch])
        except ServerUnavailable:
            raise
        except Exception:  # noqa: BLE001 - one refused request must not take the others with it
            return [await self._send_alone(write) for write in batch]

    async def _send_alone(self, write: _Write) -> Any:
        try:
            return await self._store.call(write.request)
        except ServerUnavailable:
            raise
        except Exception as refusal:  # noqa: BLE001 - handed to whoever asked
            return _Refused(refusal)


@dataclass(frozen=True, slots=True)
class _Refused:
    why: Exception


def _answer(write: _Write, reply: Any) -> None:
    if not isinstance(reply, _Refused):
        write.then(reply)
        return
    name = write.request.script.name if write.request.script else str(write.request.words[0])
    events.error("The server refused a request.", request=name, trace=reply.why)
    if write.otherwise is not None:
        write.otherwise(reply.why)
