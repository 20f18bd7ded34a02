"""Runs that runs asked for: noting them with their parent, cancelling them with it.

Parent and child lie in different slots, so no step changes both. The parent's slot learns of a
child before that exists, and of the duty to cancel its children in the same step in which it is
cancelled or runs out of time; whoever finds a duty does it, in steps that may be repeated, until it
is done. A child that is made while its parent is being cancelled is stopped at its start: whoever
starts it reads what became of the parent (``parted``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.requests import (
    Plan,
    Request,
    Word,
    as_word,
    command,
    for_deployment,
    for_run,
)
from orchestrator.store.runs import cancel_run
from orchestrator.store.texts import maybe_int

AT_ONCE = 500
"""Children cancelled in one pipeline."""

PARTED = frozenset({State.CANCELLED, State.TIMED_OUT})
"""Ends of a run that end its children as well."""


def link_child(parent: RunId, token: str, child: RunId) -> Request[Word]:
    """Note that a run asks for another, not yet there: ``ok``, ``lease_lost`` or ``gone``."""
    return for_run(parent, "link_child", as_word, token=token, child=child)


def parted(parent: RunId) -> Request[bool]:
    """Whether what ``parent`` asked for is not to begin any more."""
    return command(lambda state: state in PARTED, "HGET", keys.run(parent), "state")


def as_parent(parent: RunId) -> str:
    """Who cancelled a run, when it was cancelled because ``parent`` was."""
    return f"its parent {parent}"


def was_taken_along(child: Run, parent: RunId) -> bool:
    """Whether the child was cancelled because ``parent`` is being cancelled, however it ended."""
    return any(step.reason == f"cancelled by {as_parent(parent)}" for step in child.history)


def cancel_family(run_id: RunId, by: str, retention_ms: int = keys.RETENTION_MS) -> Plan[Word]:
    """Cancel a run and, when it has not ended, what it has asked for. Answers as ``cancel_run``."""
    (children,) = yield [_has_children(run_id)]
    d = deployment_of(run_id)
    lower = [lower_attention(d, NOW)] if children else []
    yield lower
    word, *_ = yield [cancel_run(run_id, by, retention_ms), *lower]
    yield from stop_children(run_id, retention_ms)
    return str(word)


def stop_children(parent: RunId, retention_ms: int = keys.RETENTION_MS) -> Plan[int]:
    """Do the duty that a run has left: cancel its children, and theirs; how many that stopped.

    A duty is done once for all; without one nothing happens.
    """
    stopped = 0
    todo = [parent]
    while todo:
        run_id = todo.pop()
        count, more = yield from _stop_children_of(run_id, retention_ms)
        stopped += count
        todo += more
    return stopped


def _stop_children_of(parent: RunId, retention_ms: int) -> Plan[tuple[int, list[RunId]]]:
    """How many were stopped, and which of them have children themselves."""
    stopped, parents = 0, []
    wanted = yield from _duty(parent)
    while wanted:
        for first in range(0, wanted, AT_ONCE):
            last = min(first + AT_ONCE, wanted) - 1
            own = yield from _own(parent, first, last)
            words = yield from _cancel(own, as_parent(parent), retention_ms)
            stopped += sum(word in ("cancelled", "cancelling") for word in words)
            parents += [each for each, has_children in own.items() if has_children]
        settle = for_deployment(
            deployment_of(parent), "settle_children", as_word, run_id=parent, seen=wanted
        )
        (word,) = yield [settle]
        wanted = 0 if word == "ok" else (yield from _duty(parent))
    return stopped, parents


def _duty(parent: RunId) -> Plan[int]:
    """How many of its children are to be cancelled."""
    (count,) = yield [command(maybe_int, "ZSCORE", keys.stopping(deployment_of(parent)), parent)]
    return count or 0


def _own(parent: RunId, first: int, last: int) -> Plan[dict[RunId, bool]]:
    """Those of the children that exist and that no other run asked for before; whether they have
    children."""
    (ids,) = yield [_children(parent, first, last)]
    facts = yield [command(list, "HMGET", keys.run(each), "parent", "children") for each in ids]
    return {
        each: bool(children)
        for each, (asked_by, children) in zip(ids, facts, strict=True)
        if asked_by == parent
    }


def _cancel(own: dict[RunId, bool], by: str, retention_ms: int) -> Plan[list[Word]]:
    """Cancel them; the scheduler knows where to look for their duties, should we die after it."""
    slots = sorted({deployment_of(each) for each, has_children in own.items() if has_children})
    lower: Sequence[Request[Any]] = [lower_attention(DeploymentId(d), NOW) for d in slots]
    yield lower
    cancelled = [cancel_run(each, by, retention_ms) for each in own]
    replies = yield [*cancelled, *lower]
    return [str(word) for word in replies[: len(cancelled)]]


def _has_children(run_id: RunId) -> Request[bool]:
    return command(bool, "EXISTS", keys.children(run_id))


def _children(parent: RunId, first: int, last: int) -> Request[list[RunId]]:
    words = ("ZRANGE", keys.children(parent), first, last)
    return command(lambda ids: [RunId(each) for each in ids], *words)
