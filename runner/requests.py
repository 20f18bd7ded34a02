"""What run processes ask for: they have no connection of their own to the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.execution.pipe import Message
from orchestrator.model.clock import Clock
from orchestrator.model.documents import encoded
from orchestrator.model.errors import (
    DeploymentNotFound,
    InvalidInput,
    KeyReused,
    OrchestratorError,
    RunNotFound,
)
from orchestrator.model.ids import RunId, deployment_id, idempotent_run_id, new_run_id
from orchestrator.model.run import Run
from orchestrator.store.caller import AsyncStore
from orchestrator.store.deployments import read_deployment
from orchestrator.store.runs import NewRun, read_run, submit_later, submit_run
from orchestrator.store.validation import check_parameters

from . import events
from .runs import HeldRun

FIRST_LOOK, LONGEST_LOOK = 0.02, 1.0
"""Seconds between looks at a run that is waited for: short for short runs."""


class Requests:
    """Answers numbered requests, each in a task of its own."""

    def __init__(self, store: AsyncStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._methods: dict[str, Callable[[HeldRun, dict[str, Any]], Awaitable[Run]]] = {
            "create_run": lambda run, given: self.create_run(f"run:{run.id}", **given),
            "read_run": lambda _, given: self.read_run(**given),
            "wait_for_run": lambda _, given: self.wait_for_run(**given),
        }

    def answer(self, run: HeldRun, message: Message) -> None:
        """Have the request answered."""
        task = asyncio.create_task(self._answer(run, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def create_run(
        self,
        created_by: str,
        deployment: str,
        parameters: dict[str, Any] | None = None,
        *,
        tags: Sequence[str] = (),
        name: str = "",
        scheduled_at: int | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """The new run, or the one that was asked for under this key before.

        Raises:
            DeploymentNotFound, InvalidParameters, KeyReused, ServerUnavailable
        """
        d = deployment_id(deployment)
        known = await self._store.follow(read_deployment(d))
        if known is None:
            raise DeploymentNotFound(deployment)
        merged = {**known.parameters, **(parameters or {})}
        text = encoded(deployment, merged)
        if known.enforce_parameter_schema:
            check_parameters(deployment, known.parameter_schema, merged)
        now = self._clock.now_ms()
        new = NewRun(
            deployment_id=d,
            run_id=idempotent_run_id(d, idempotency_key) if idempotency_key else new_run_id(d, now),
            parameters=text,
            tags=tuple(dict.fromkeys((*known.tags, *tags))),
            name=name,
            created_by=created_by,
            scheduled_at=scheduled_at,
            idempotency_key=idempotency_key,
        )
        return await self._submit(deployment, new)

    async def read_run(self, run_id: str) -> Run:
        """The run as it is.

        Raises:
            RunNotFound, ServerUnavailable
        """
        run = await self._store.call(read_run(RunId(run_id)))
        if run is None:
            raise RunNotFound(run_id)
        return run

    async def wait_for_run(
        self,
        run_id: str,
        timeout: float | None = None,  # noqa: ASYNC109 - its passing is an answer, no error
    ) -> Run:
        """The run when it is over, or as it is after ``timeout`` seconds.

        Raises:
            RunNotFound, ServerUnavailable
        """
        began, pause = self._clock.elapsed(), FIRST_LOOK
        while True:
            run = await self.read_run(run_id)
            if run.is_final:
                return run
            if timeout is not None:
                pause = min(pause, began + timeout - self._clock.elapsed())
                if pause <= 0:
                    return run
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _submit(self, deployment: str, new: NewRun) -> Run:
        if new.scheduled_at is None:
            submitted = await self._store.call(submit_run(new))
        else:
            submitted = await self._store.follow(submit_later(new))
        if submitted.word == "no_deployment":
            raise DeploymentNotFound(deployment)
        if submitted.word == "conflict":
            raise KeyReused(new.idempotency_key or "", submitted.run_id)
        return await self.read_run(submitted.run_id)

    async def _answer(self, run: HeldRun, message: Message) -> None:
        reply: Message = {"op": "reply", "n": message["n"]}
        try:
            method = self._methods.get(message["method"])
            if method is None:
                raise InvalidInput(f"a run cannot ask for {message['method']!r}")
            reply["result"] = asdict(await method(run, message["arguments"]))
        except OrchestratorError as error:
            reply["error"] = {"type": type(error).__name__, "message": str(error)}
        except Exception as error:  # noqa: BLE001 - the run must get an answer, and others go on
            events.error("A request of a run could not be answered.", run_id=run.id, trace=error)
            reply["error"] = {"type": "OrchestratorError", "message": f"{error!r}"}
        run.answer(reply)
