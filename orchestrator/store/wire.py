"""Between requests and the wire: commands out, replies in, NOSCRIPT in between. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from redis.exceptions import NoScriptError

from orchestrator.store.failures import meaning
from orchestrator.store.requests import Argument, Request

Command = tuple[Argument, ...]


def commands_of(requests: Sequence[Request[Any]]) -> list[Command]:
    """What is sent for the requests; scripts travel by hash."""
    return [
        request.words
        if request.script is None
        else ("EVALSHA", request.script.sha, request.keys, *request.words)
        for request in requests
    ]


def packed(commands: Sequence[Command]) -> list[bytes]:
    """The commands as they travel. In C: redis-py's asynchronous connections pack in Python, which
    took a fifth of a busy runner's time."""
    pack: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment]  # any length
    return [pack(command) for command in commands]


def unknown_scripts(replies: Sequence[Any]) -> list[int]:
    """Which of the replies say that the server does not have the script (yet, or again)."""
    return [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]


def reload_commands(requests: Sequence[Request[Any]], unknown: Sequence[int]) -> list[Command]:
    """Load the scripts of those requests, then send only those again (F21)."""
    again = [requests[at] for at in unknown]
    scripts = {r.script.sha: r.script for r in again if r.script is not None}
    loads: list[Command] = [("SCRIPT", "LOAD", each.source) for each in scripts.values()]
    return loads + commands_of(again)


def with_reloaded(replies: list[Any], unknown: Sequence[int], answers: Sequence[Any]) -> list[Any]:
    """The replies of all, ``answers`` being those of ``reload_commands``."""
    whole = list(replies)
    for at, reply in zip(reversed(unknown), reversed(answers), strict=False):
        whole[at] = reply
    return whole


def results(url: str, requests: Sequence[Request[Any]], replies: Sequence[Any]) -> list[Any]:
    """The replies as the requests read them.

    Raises:
        ServerUnavailable: (or any other meaning of) the first reply that is an error.
    """
    for reply in replies:
        if isinstance(reply, Exception):
            raise meaning(url, reply) from reply
    return [request.parse(reply) for request, reply in zip(requests, replies, strict=True)]
