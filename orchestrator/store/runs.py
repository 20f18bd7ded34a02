"""Runs: asking for one, reading, stopping, pausing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from orchestrator.model.ids import DeploymentId, RunId, deployment_of
from orchestrator.model.run import Run, run_from_hash
from orchestrator.store import keys
from orchestrator.store.attention import lower_attention
from orchestrator.store.requests import (
    Plan,
    Request,
    Word,
    as_word,
    command,
    for_deployment,
    for_run,
)
from orchestrator.store.texts import record_of, text_of

T = TypeVar("T")
_encoded_tags = lru_cache(maxsize=256)(json.JSONEncoder(ensure_ascii=False).encode)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is asked for. Times in milliseconds since 1970; None = now."""

    deployment_id: DeploymentId
    run_id: RunId
    parameters: str
    """JSON text, the deployment's defaults merged in."""
    tags: tuple[str, ...] = ()
    name: str = ""
    created_by: str = ""
    scheduled_at: int | None = None
    idempotency_key: str | None = None
    retry_of: RunId | None = None
    """The ended run that it does again."""
    parent: RunId | None = None
    """The run that asks for it."""
    depth: int = 0
    revision: str = ""
    """The code that it is to have; empty: the newest."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """``created``, ``exists`` (the same was asked before), ``conflict`` (the idempotency key came
    with other parameters), ``stale`` (its parameters are to be checked anew) or
    ``no_deployment``."""

    word: Word
    run_id: RunId


def submit_run(new: NewRun, seal: str = "") -> Request[Submitted]:
    """Create the run, in the queue or (for a later time) among the delayed ones. With the ``seal``
    of a door that was known before: unless other parameters are wanted by now."""
    return _submit(
        deployment_of(new.run_id), [new], seal, lambda reply: Submitted(reply[0], new.run_id)
    )


def submit_runs(d: DeploymentId, many: Sequence[NewRun]) -> Request[list[Submitted]]:
    """The same for some runs of one deployment, in one step. It keeps the server from others
    meanwhile: let them be a hundred, not thousands."""

    def submitted(reply: list[Word]) -> list[Submitted]:
        # One word for all: there is no such deployment.
        words = reply if len(reply) == len(many) else reply * len(many)
        return [Submitted(word, new.run_id) for word, new in zip(words, many, strict=True)]

    return _submit(d, many, "", submitted)


def _submit(
    d: DeploymentId, many: Sequence[NewRun], seal: str, parse: Callable[[list[Word]], T]
) -> Request[T]:
    texts = [text for new in many for text in _texts(new)]
    return for_deployment(d, "submit_runs", parse, seal=seal, many=texts)


def _texts(new: NewRun) -> tuple[str, ...]:
    """In the order of the script."""
    return (
        new.run_id,
        text_of(new.scheduled_at),
        digest_of(new.parameters) if new.idempotency_key else "",
        new.retry_of or "",
        new.parameters,
        _encoded_tags(new.tags),
        new.name,
        new.created_by,
        new.idempotency_key or "",
        new.parent or "",
        text_of(new.depth or None),
        new.revision,
    )


def submit_later(new: NewRun, seal: str = "") -> Plan[Submitted]:
    """``submit_run`` of a run of a later time: the scheduler is told before and after
    (attention)."""
    assert new.scheduled_at is not None
    lower = lower_attention(new.deployment_id, new.scheduled_at)
    yield [lower]
    submitted, _ = yield [submit_run(new, seal), lower]
    assert isinstance(submitted, Submitted)
    return submitted


def read_run(run_id: RunId) -> Request[Run | None]:
    """The record, or None.

    Raises:
        RunNotFound: this cannot be the id of any run.
    """
    return command(lambda reply: _run(run_id, reply), "HGETALL", keys.run(run_id))


def cancel_run(run_id: RunId, by: str, retention_ms: int = keys.RETENTION_MS) -> Request[Word]:
    """``cancelled`` (it never ran again), ``cancelling`` (its runner stops it), ``already`` (it was
    over) or ``gone``."""
    return for_run(run_id, "cancel_run", as_word, by=by, retention_ms=retention_ms)


def pause_run(run_id: RunId, by: str, *, lasting: bool = True) -> Request[Word]:
    """``ok``, ``unchanged``, ``not_running`` or ``gone``. Its processes stop until it is resumed;
    when the pause is ``lasting``, those of a later attempt too."""
    return for_run(run_id, "pause_run", as_word, by=by, lasting=int(lasting))


def resume_run(run_id: RunId, by: str) -> Request[Word]:
    """``ok``, ``unchanged``, ``not_running`` or ``gone``."""
    return for_run(run_id, "resume_run", as_word, by=by)


def delete_run(run_id: RunId) -> Request[Word]:
    """Forget an ended run and its log: ``ok``, ``open`` (it has not ended) or ``gone``."""
    return for_run(run_id, "delete_run", as_word)


def _run(run_id: RunId, reply: Any) -> Run | None:
    fields = record_of(reply)
    return run_from_hash(run_id, fields) if "state" in fields else None


def digest_of(parameters: str) -> str:
    """The same for the same parameters, however they were written."""
    canonical = json.dumps(json.loads(parameters), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
