"""``run_deployment``: ask for a run and wait for its end, from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.execution import context
from orchestrator.model.asked import Asked
from orchestrator.model.clock import to_ms
from orchestrator.model.documents import encoded
from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run, Step
from orchestrator.model.states import State


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    timeout: float | None = None,
    tags: Sequence[str] | None = None,
    idempotency_key: str | None = None,
    flow_run_name: str | None = None,
    as_subflow: bool = True,
) -> Run:
    """The run of the deployment at its end, or as it is after ``timeout`` seconds.

    However it ended, its record is what comes back; ``.result_or_raise()`` of it gives what the
    function returned, or raises RunFailed. A timeout stops nothing: the run goes on. Works the same
    inside a run, where its runner asks.

    Args:
        name: ``flow/deployment``.
        parameters: go over the deployment's defaults.
        scheduled_time: an aware datetime; default: now.
        timeout: None waits for ever, 0 returns at once.
        tags: come to the deployment's.
        idempotency_key: the same key again gives the same run.
        flow_run_name: what to call the run.
        as_subflow: inside a run: it becomes a child of that run, and is cancelled with it.

    Raises:
        DeploymentNotFound: there is none.
        InvalidInput: parameters or an option that cannot be used; nothing was created.
        KeyReused: the idempotency key came before, with other parameters.
        TooDeep: this run is the last of a chain of runs that asked for each other without end.
        ServerUnavailable: no server answers.
    """
    asked = _asked(name, parameters, scheduled_time, timeout, tags, idempotency_key, flow_run_name)
    if context.in_run_process():
        created = _run_of(context.request("create_run", **_document(asked, as_subflow)))
        if timeout == 0:
            return created
        return _run_of(context.request("wait_for_run", run_id=created.id, timeout=timeout))
    from orchestrator.client.client import Client

    with Client() as client:
        run = client.ask(asked)
        return run if timeout == 0 else client.wait_for_run(run.id, timeout)


async def arun_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    timeout: float | None = None,  # noqa: ASYNC109  # its passing is an answer, no error
    tags: Sequence[str] | None = None,
    idempotency_key: str | None = None,
    flow_run_name: str | None = None,
    as_subflow: bool = True,
) -> Run:
    """``run_deployment`` for code in an event loop, which goes on meanwhile: any number of them may
    wait at the same time."""
    asked = _asked(name, parameters, scheduled_time, timeout, tags, idempotency_key, flow_run_name)
    if context.in_run_process():
        document = _document(asked, as_subflow)
        created = _run_of(await context.request_in_loop("create_run", **document))
        if timeout == 0:
            return created
        waited = context.request_in_loop("wait_for_run", run_id=created.id, timeout=timeout)
        return _run_of(await waited)
    from orchestrator.client.together import ask_and_wait

    return await ask_and_wait(asked, timeout)


def pause_run() -> None:
    """Stop this run where it is until somebody resumes it (`orchestrator run resume`). It keeps its
    slot, and the time does not count into its timeout.

    Raises:
        RuntimeError: not inside a run, or in a process that the run started.
    """
    context.request("pause_run")


def _asked(
    name: str,
    parameters: Mapping[str, Any] | None,
    scheduled_time: datetime | None,
    timeout: float | None,
    tags: Sequence[str] | None,
    idempotency_key: str | None,
    flow_run_name: str | None,
) -> Asked:
    if timeout is not None and not timeout >= 0:
        raise InvalidOption("timeout", timeout, "must be a number of seconds, 0 or more")
    return Asked(
        deployment=name,
        parameters=parameters,
        tags=tuple(tags or ()),
        scheduled_at=scheduled_time,
        idempotency_key=idempotency_key,
        name=flow_run_name,
    )


def _document(asked: Asked, as_subflow: bool) -> dict[str, Any]:
    """What is asked for, as it goes to the runner: a run process has no connection of its own."""
    encoded(asked.deployment, asked.parameters or {})
    return {
        "deployment": asked.deployment,
        "parameters": asked.parameters,
        "tags": list(asked.tags),
        "scheduled_at": None if asked.scheduled_at is None else to_ms(asked.scheduled_at),
        "idempotency_key": asked.idempotency_key,
        "name": asked.name or "",
        "as_subflow": as_subflow,
    }


def _run_of(fields: dict[str, Any]) -> Run:
    """The record as its runner wrote it with ``dataclasses.asdict``."""
    steps = [Step(**{**step, "state": State(step["state"])}) for step in fields["history"]]
    return Run(
        **{
            **fields,
            "id": RunId(fields["id"]),
            "state": State(fields["state"]),
            "tags": tuple(fields["tags"]),
            "secrets": tuple(map(tuple, fields["secrets"])),
            "history": tuple(steps),
        }
    )
