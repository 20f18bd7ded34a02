"""What is asked of the server, as values: built and parsed here without any I/O.

A ``Request`` is one command and how to read its reply. A ``Plan`` is a generator that yields lists
of requests, gets the lists of their replies, and returns a result: whoever executes it, sync or
async, sends each list as one pipeline. So every operation is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, TypeVar

from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.store import keys
from orchestrator.store.scripts import Script, script

T = TypeVar("T")
Argument = str | bytes | int | float
Word = str
"""What a script answers; the words of each are in its header."""

IN_ONE_TURN = 250
"""Requests of one pipeline, of those that are asked about every deployment there is."""


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


def in_turns(requests: Iterable[Request[Any]]) -> Plan[list[Any]]:
    """The answers to any number of requests, some hundreds in each pipeline: between them others
    come to the server, and to whoever asks."""
    answers: list[Any] = []
    rest = iter(requests)
    while some := tuple(islice(rest, IN_ONE_TURN)):
        answers += yield some
    return answers


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
    # Runners and clients come here several times a run: merged dictionaries, no test per name.
    known = given
    if d is not None:
        known = _keys_of(d) | given
        if run_id is not None:
            known = _of_run(run_id, known) | known
    strange, unknown = given.keys() - called.names, [n for n in called.names if n not in known]
    if strange or unknown:
        raise TypeError(f"script {called.name}: too many {sorted(strange)}, missing {unknown}")
    words = [known[name] for name in called.names]
    if called.takes_rest:
        words.extend(words.pop())
    return Request(tuple(words), parse, called, len(called.keys))


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


@lru_cache(maxsize=1024)
def _keys_of(d: DeploymentId) -> dict[str, str]:
    """What names of a header stand for that are not given."""
    return {name: key(d) for name, key in _OF_DEPLOYMENT.items()}


def _of_run(run_id: RunId, known: dict[str, str]) -> dict[str, str]:
    """The same of a run."""
    return {
        "run": known["run_prefix"] + run_id,
        "log": known["log_prefix"] + run_id,
        "children": known["children_prefix"] + run_id,
        "run_id": run_id,
    }
