"""Asking for runs: defaults merged, parameters checked at the door, then submitted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.model.asked import Asked, check_mapping
from orchestrator.model.clock import Clock, SystemClock, to_ms
from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import (
    CodeNotKept,
    DeploymentNotFound,
    KeyReused,
    LeaseLost,
    RunIsOpen,
)
from orchestrator.model.ids import DeploymentId, RunId, deployment_id, idempotent_run_id, new_run_id
from orchestrator.model.run import Run
from orchestrator.store.attention import lower_attention
from orchestrator.store.children import link_child
from orchestrator.store.deployments import read_deployment
from orchestrator.store.requests import Plan, Request
from orchestrator.store.runs import NewRun, Submitted, read_run, submit_later, submit_run
from orchestrator.store.validation import Door

AT_ONCE = 500
"""Runs created in one pipeline."""

_ID = re.compile(r"[a-z2-7]{12}")


def id_of(name: str) -> DeploymentId:
    """The id of a deployment given as ``flow/deployment``, or as its id.

    Raises:
        DeploymentNotFound: this cannot be either.
    """
    if "/" in name:
        return deployment_id(name)
    if not _ID.fullmatch(name):
        raise DeploymentNotFound(name)
    return DeploymentId(name)


def find_deployment(name: str) -> Plan[Deployment]:
    """The deployment with its schedules and runners.

    Raises:
        DeploymentNotFound: there is none.
    """
    found = yield from read_deployment(id_of(name))
    if found is None:
        raise DeploymentNotFound(name)
    return found


def create_run(asked: Asked, clock: Clock | None = None, run_id: RunId | None = None) -> Plan[Run]:
    """The run that was created, or the one that the same idempotency key created before. With an id
    from ``name_run`` it may be asked again after a lost answer.

    Raises:
        DeploymentNotFound: there is none.
        InvalidParameters: they are no JSON, too large, or do not fit the stored schema.
        KeyReused: the idempotency key came before, with other parameters.
    """
    deployment = yield from find_deployment(asked.deployment)
    run_id = run_id or name_run(asked, clock or SystemClock())
    return (yield from _submit(asked, _new_run(asked, Door(deployment), run_id)))


def create_child(asked: Asked, token: str, run_id: RunId) -> Plan[Run]:
    """The same for a run that ``asked.parent`` asks for, under the lease that it holds.

    The parent's slot knows the child before there is one: whoever dies in between leaves a name too
    many.

    Raises: as ``create_run``, and
        LeaseLost: the parent is another runner's by now; nothing was created.
    """
    assert asked.parent is not None
    deployment = yield from find_deployment(asked.deployment)
    new = _new_run(asked, Door(deployment), run_id)
    (word,) = yield [link_child(asked.parent, token, new.run_id)]
    if word != "ok":
        raise LeaseLost(asked.parent)
    return (yield from _submit(asked, new))


def name_run(asked: Asked, clock: Clock) -> RunId:
    """The id of the run that is asked for: derived from its idempotency key, or a new one.

    Raises:
        DeploymentNotFound: it cannot be the name or id of any.
    """
    d = id_of(asked.deployment)
    if asked.idempotency_key:
        return idempotent_run_id(d, asked.idempotency_key)
    return new_run_id(d, clock.now_ms())


def _submit(asked: Asked, new: NewRun) -> Plan[Run]:
    if new.scheduled_at is None:
        submitted, run = yield [submit_run(new), read_run(new.run_id)]
    else:
        submitted, run = (yield from submit_later(new)), None
    _check(asked, submitted)
    if run is None:  # or the script was unknown to the server, and sent again after the reading
        (run,) = yield [read_run(new.run_id)]
    assert isinstance(run, Run)
    return run


def retry_run(
    run: Run,
    parameters: Mapping[str, Any] | None,
    clock: Clock | None = None,
    *,
    idempotency_key: str | None = None,
    same_code: bool = False,
) -> Plan[Run]:
    """A new run that does the ended ``run`` again, with ``parameters`` over its own; of the newest
    code, or of the same.

    Raises:
        RunIsOpen: it is not over.
        CodeNotKept: its code is not one that can be had again.
        DeploymentNotFound, InvalidParameters: as for ``create_run``.
    """
    if not run.is_final:
        raise RunIsOpen(run.id, run.state)
    check_mapping(run.deployment, parameters)
    revision = (yield from _revision_of(run)) if same_code else ""
    asked = Asked(
        deployment=run.deployment,
        parameters={**run.parameters, **(parameters or {})},
        tags=run.tags,
        name=run.own_name,
        idempotency_key=idempotency_key,
        retry_of=run.id,
        depth=run.depth,
        revision=revision,
    )
    return (yield from create_run(asked, clock))


def create_runs(many: Sequence[Asked], clock: Clock | None = None) -> Plan[list[RunId]]:
    """The ids of the runs, in the order in which they were asked for.

    Every one is checked before the first is created.

    Raises: as ``create_run``.
    """
    doors: dict[str, Door] = {}
    for name in {asked.deployment for asked in many}:
        doors[name] = Door((yield from find_deployment(name)))
    clock = clock or SystemClock()
    news = [_new_run(each, doors[each.deployment], name_run(each, clock)) for each in many]
    attention = _attention(news)
    yield attention
    for first in range(0, len(news), AT_ONCE):
        batch = slice(first, first + AT_ONCE)
        replies = yield [submit_run(new) for new in _announced(news[batch])]
        for asked, submitted in zip(many[batch], replies, strict=True):
            _check(asked, submitted)
    yield attention
    return [new.run_id for new in news]


def _new_run(asked: Asked, door: Door, run_id: RunId) -> NewRun:
    deployment = door.deployment
    return NewRun(
        deployment_id=deployment.id,
        run_id=run_id,
        parameters=door.text(asked.parameters),
        tags=tuple(dict.fromkeys((*deployment.tags, *asked.tags))),
        name=asked.name or "",
        created_by=asked.created_by,
        scheduled_at=None if asked.scheduled_at is None else to_ms(asked.scheduled_at),
        idempotency_key=asked.idempotency_key,
        retry_of=asked.retry_of,
        parent=asked.parent,
        depth=asked.depth,
        revision=asked.revision,
    )


def _revision_of(run: Run) -> Plan[str]:
    """The code that the run had."""
    deployment = yield from find_deployment(run.deployment)
    if run.revision:
        return run.revision
    if deployment.source is None:
        raise CodeNotKept(run.id, "its deployment serves a script, of which no versions are kept")
    if run.commit is None and run.content_hash is None:
        raise CodeNotKept(run.id, "it never began, so it had none")
    return run.commit or str(run.content_hash)


def _announced(news: Sequence[NewRun]) -> list[NewRun]:
    """Of each deployment's runs the first, so that work begins, and the last: a runner that found
    nothing more while they came looks again."""
    firsts: dict[DeploymentId, RunId] = {}
    lasts: dict[DeploymentId, RunId] = {}
    for new in news:
        firsts.setdefault(new.deployment_id, new.run_id)
        lasts[new.deployment_id] = new.run_id
    told = {*firsts.values(), *lasts.values()}
    return [replace(new, announced=new.run_id in told) for new in news]


def _attention(news: Iterable[NewRun]) -> list[Request[None]]:
    """What tells the scheduler of runs that are due later, before and after they are created."""
    earliest: dict[DeploymentId, int] = {}
    for new in news:
        if new.scheduled_at is not None:
            known = earliest.get(new.deployment_id, new.scheduled_at)
            earliest[new.deployment_id] = min(known, new.scheduled_at)
    return [lower_attention(d, at_ms) for d, at_ms in earliest.items()]


def _check(asked: Asked, submitted: Submitted) -> None:
    match submitted.word:
        case "no_deployment":
            raise DeploymentNotFound(asked.deployment)
        case "conflict":
            raise KeyReused(str(asked.idempotency_key), submitted.run_id)
