"""What code in event loops has asked the runner, and waits for without blocking its loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.execution.pipe import Message

if TYPE_CHECKING:
    import asyncio

    Answered = asyncio.Future[Message | None]


class LoopWaits:
    """Questions of code in event loops, and the loops that read as long as there are some. Called
    by one thread at a time."""

    def __init__(self, descriptor: int, read: Callable[[], None]) -> None:
        self._descriptor, self._read = descriptor, read
        self._waits: dict[int, tuple[asyncio.AbstractEventLoop, Answered]] = {}
        self._withdrawn: set[int] = set()

    def expect(self, number: int) -> Answered:
        """What becomes the reply to the question of that number; None: the runner is gone."""
        import asyncio

        loop = asyncio.get_running_loop()
        if not self._is_reading(loop):
            loop.add_reader(self._descriptor, self._read)
        answered: Answered = loop.create_future()
        self._waits[number] = (loop, answered)
        return answered

    def settle(self, number: int, reply: Message | None) -> bool:
        """Hand a reply to its loop; False: no loop has asked for it."""
        if number in self._withdrawn:
            self._withdrawn.discard(number)
            return True
        if number not in self._waits:
            return False
        loop, answered = self._waits[number]
        with suppress(RuntimeError):  # a loop that was closed under its waiting code
            loop.call_soon_threadsafe(_settle, answered, reply)
        return True

    def end(self) -> None:
        """The runner is gone."""
        for number in self._waits:
            self.settle(number, None)

    def forget(self, number: int) -> bool:
        """Nobody waits for this one any more; whether its reply is still to come. In its loop."""
        loop, answered = self._waits.pop(number)
        if not self._is_reading(loop):
            loop.remove_reader(self._descriptor)
        is_open = not answered.done() or answered.cancelled()
        if is_open:
            self._withdrawn.add(number)
        return is_open

    def _is_reading(self, loop: asyncio.AbstractEventLoop) -> bool:
        return any(each is loop for each, _ in self._waits.values())


def _settle(answered: Answered, reply: Message | None) -> None:
    if not answered.done():
        answered.set_result(reply)
