"""What is asked of the server, as values: built and parsed here without any I/O.

A ``Request`` is one command and how to read its reply. A ``Plan`` is a generator that yields lists
of requests, gets the lists of their replies, and returns a result: whoever executes it, sync or
async, sends each list as one pipeline. So every operation is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.store import keys
from orchestrator.store.scripts import Script, script

T = TypeVar("T")
Argument = str | bytes | int | float
Word = str
"""What a script answers; the words of each are in its header."""


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


def for_deployment(
    d: DeploymentId, name: str, parse: Callable[[Any], T], /, **given: Argument | Sequence[Argument]
) -> Request[T]:
    """A call of script ``name`` about deployment ``d``.

    Keys, channels and prefixes in the script's header are named as the functions of ``keys.py``
    and filled in; every other name in the header must be given.
    """
    return _call(script(name), d, None, parse, given)


def for_run(
    run_id: RunId, name: str, parse: Callable[[Any], T], /, **given: Argument | Sequence[Argument]
) -> Request[T]:
    """The same about one run; ``run``, ``log``, ``children`` and ``run_id`` are filled in too.

    Raises:
        RunNotFound: this cannot be the id of any run.
    """
    return _call(script(name), deployment_of(run_id), run_id, parse, given)


def script_call(
    name: str, parse: Callable[[Any], T], /, **given: Argument | Sequence[Argument]
) -> Request[T]:
    """A call of a script that belongs to no deployment: every name in its header is given."""
    return _call(script(name), None, None, parse, given)


def as_is(reply: Any) -> Any:
    """For replies that need no reading."""
    return reply


def as_word(reply: Any) -> Word:
    """For scripts that answer one word."""
    return str(reply)


def nothing(_reply: Any) -> None:
    """For commands whose reply says nothing."""


def _call(
    called: Script,
    d: DeploymentId | None,
    run_id: RunId | None,
    parse: Callable[[Any], T],
    given: dict[str, Any],
) -> Request[T]:
    words: list[Argument] = []
    for name in (*called.keys, *called.arguments):
        if name.endswith("..."):
            words.extend(given.pop(name.removesuffix("...")))
        else:
            words.append(given.pop(name) if name in given else _known(name, d, run_id))
    if given:
        raise TypeError(f"script {called.name} has no arguments {sorted(given)}")
    return Request(tuple(words), parse, called, len(called.keys))


def _known(name: str, d: DeploymentId | None, run_id: RunId | None) -> str:
    """What a name of a header stands for when it is not given."""
    if d is not None and name in _OF_DEPLOYMENT:
        return _OF_DEPLOYMENT[name](d)
    if run_id is not None and name in _OF_RUN:
        return _OF_RUN[name](run_id)
    raise TypeError(f"{name} is neither given nor known")


_OF_DEPLOYMENT: dict[str, Callable[[DeploymentId], str]] = {
    function.__name__: function
    for function in (
        keys.deployment,
        keys.queue_first,
        keys.queue,
        keys.queue_late,
        keys.delayed,
        keys.leases,
        keys.runs,
        keys.expiring,
        keys.schedules,
        keys.triggers,
        keys.progress,
        keys.outbox,
        keys.versions,
        keys.runners,
        keys.run_prefix,
        keys.log_prefix,
        keys.children_prefix,
        keys.stopping,
        keys.hooks,
        keys.control,
        keys.ended,
    )
}
_OF_RUN: dict[str, Callable[[RunId], str]] = {
    "run": keys.run,
    "log": keys.log,
    "children": keys.children,
    "run_id": str,
}
