"""Asking for runs: defaults merged, parameters checked at the door, then submitted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from orchestrator.model.asked import Asked, check_mapping
from orchestrator.model.clock import Clock, SystemClock, to_ms
from orchestrator.model.deployment import Deployment
from orchestrator.model.errors import (
    CodeNotKept,
    DeploymentNotFound,
    InvalidParameters,
    KeyReused,
    LeaseLost,
    RunIsOpen,
)
from orchestrator.model.ids import DeploymentId, RunId, deployment_id, idempotent_run_id, new_run_id
from orchestrator.model.run import Run
from orchestrator.store.attention import lower_attention
from orchestrator.store.children import link_child
from orchestrator.store.deployments import read_deployment
from orchestrator.store.doors import Doors, read_door
from orchestrator.store.requests import Plan, Request
from orchestrator.store.runs import (
    NewRun,
    Submitted,
    read_run,
    submit_later,
    submit_run,
    submit_runs,
)
from orchestrator.store.validation import Door

IN_ONE_STEP = 100
"""Runs created by one script, which keeps the server from others meanwhile."""

STEPS_AT_ONCE = 5
"""Of one pipeline."""

LARGEST_STEP = 1024 * 1024
"""Characters of parameters in one step, or one run."""

_AskedFor = tuple[Asked, NewRun]
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


def create_run(
    asked: Asked,
    clock: Clock | None = None,
    run_id: RunId | None = None,
    doors: Doors | None = None,
) -> Plan[Run]:
    """The run that was created, or the one that the same idempotency key created before. With an id
    from ``name_run`` it may be asked again after a lost answer.

    ``doors``: whoever asks for many runs keeps them, and need not read the deployment each time.

    Raises:
        DeploymentNotFound: there is none.
        InvalidParameters: they are no JSON, too large, or do not fit the stored schema.
        KeyReused: the idempotency key came before, with other parameters.
    """
    doors = doors or Doors()
    run_id = run_id or name_run(asked, clock or SystemClock())
    run = yield from _through_kept_door(asked, run_id, doors)
    while run is None:  # most often once; again when the deployment changes in this moment
        door = yield from open_door(asked.deployment)
        doors.keep(door)
        run = yield from _submit(asked, _new_run(asked, door, run_id), door.seal)
    return run


def create_child(asked: Asked, token: str, run_id: RunId) -> Plan[Run]:
    """The same for a run that ``asked.parent`` asks for, under the lease that it holds.

    The parent's slot knows the child before there is one: whoever dies in between leaves a name too
    many.

    Raises: as ``create_run``, and
        LeaseLost: the parent is another runner's by now; nothing was created.
    """
    assert asked.parent is not None
    new = _new_run(asked, (yield from open_door(asked.deployment)), run_id)
    (word,) = yield [link_child(asked.parent, token, new.run_id)]
    if word != "ok":
        raise LeaseLost(asked.parent)
    run = yield from _submit(asked, new)
    assert run is not None, "without a seal nothing is stale"
    return run


def open_door(name: str) -> Plan[Door]:
    """By what the parameters of a deployment's runs are checked now.

    Raises:
        DeploymentNotFound: there is none.
    """
    (door,) = yield [read_door(id_of(name))]
    if door is None:
        raise DeploymentNotFound(name)
    assert isinstance(door, Door)
    return door


def name_run(asked: Asked, clock: Clock) -> RunId:
    """The id of the run that is asked for: derived from its idempotency key, or a new one.

    Raises:
        DeploymentNotFound: it cannot be the name or id of any.
    """
    d = id_of(asked.deployment)
    if asked.idempotency_key:
        return idempotent_run_id(d, asked.idempotency_key)
    return new_run_id(d, clock.now_ms())


def _through_kept_door(asked: Asked, run_id: RunId, doors: Doors) -> Plan[Run | None]:
    """None when there is none, or when the one that there is now decides."""
    door = doors.kept(id_of(asked.deployment))
    if door is None:
        return None
    try:
        new = _new_run(asked, door, run_id)
    except InvalidParameters:
        return None  # what is stored by now may allow them
    return (yield from _submit(asked, new, door.seal))


def _submit(asked: Asked, new: NewRun, seal: str = "") -> Plan[Run | None]:
    """None: its parameters are to be checked anew."""
    if new.scheduled_at is None:
        submitted, run = yield [submit_run(new, seal), read_run(new.run_id)]
    else:
        submitted, run = (yield from submit_later(new, seal)), None
    if submitted.word == "stale":
        return None
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
        doors[name] = yield from open_door(name)
    clock = clock or SystemClock()
    news = [_new_run(each, doors[each.deployment], name_run(each, clock)) for each in many]
    attention = _attention(news)
    yield attention
    steps = _steps(zip(many, news, strict=True))
    while at_once := list(islice(steps, STEPS_AT_ONCE)):
        replies = yield list(map(_request, at_once))
        for step, submitted in zip(at_once, replies, strict=True):
            for (asked, _), each in zip(step, submitted, strict=True):
                _check(asked, each)
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


def _steps(asked_for: Iterable[_AskedFor]) -> Iterator[list[_AskedFor]]:
    """What is created in one step: of one deployment, and within bounds."""
    step: list[_AskedFor] = []
    size = 0
    for each in sorted(asked_for, key=lambda each: each[1].deployment_id):
        new = each[1]
        size += len(new.parameters)
        is_full = len(step) == IN_ONE_STEP or size > LARGEST_STEP
        if step and (is_full or step[-1][1].deployment_id != new.deployment_id):
            yield step
            step, size = [], len(new.parameters)
        step.append(each)
    if step:
        yield step


def _request(step: Sequence[_AskedFor]) -> Request[list[Submitted]]:
    news = [new for _, new in step]
    return submit_runs(news[0].deployment_id, news)


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
