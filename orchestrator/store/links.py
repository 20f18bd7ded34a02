"""What is needed of a connection of redis-py, typed (its own methods are not)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from orchestrator.store.requests import Argument

Packed = list[bytes]

ANSWER_SECONDS = 5.0
"""A command that takes longer counts as a lost connection; the scripts take milliseconds."""


class Link(Protocol):
    """A connection for a thread; it opens with its first command."""

    @property
    def is_connected(self) -> bool: ...

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def can_read(self, timeout: float) -> bool:
        """Whether something (a reply or the end of the stream) can be read within ``timeout``."""

    def pack_commands(self, commands: Sequence[Sequence[Argument]]) -> Packed: ...

    def send_packed_command(self, command: Packed, check_health: bool) -> None: ...

    def read_response(self, *, disconnect_on_error: bool) -> Any: ...


class AsyncLink(Protocol):
    """A connection for an event loop."""

    @property
    def is_connected(self) -> bool: ...

    async def connect(self) -> None: ...

    async def disconnect(self, nowait: bool = False) -> None: ...

    async def can_read(self) -> bool:
        """Whether something (a reply or the end of the stream) is there to be read."""

    def pack_commands(self, commands: Sequence[Sequence[Argument]]) -> Packed: ...

    async def send_packed_command(self, command: Packed, check_health: bool) -> None: ...

    async def read_response(
        self,
        *,
        disconnect_on_error: bool,
        timeout: float | None = None,  # noqa: ASYNC109 - redis-py's own parameter
    ) -> Any: ...
