"""Many runs at once: asked for together, or each done the same to, and answered for by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from orchestrator.api.backend import Backend, BackendNeeded, CallerNeeded
from orchestrator.api.documents import Document, shown
from orchestrator.api.given import IdempotencyKey, IdsGiven, RunsGiven
from orchestrator.api.problems import Problem
from orchestrator.api.records import RunRecord
from orchestrator.api.routes.creating import asked_for
from orchestrator.client.problems import problem_of
from orchestrator.model.errors import Conflict, InvalidInput, NotFound
from orchestrator.model.run import Run
from orchestrator.operations import runs
from orchestrator.store.requests import Plan
from orchestrator.store.submission import create_runs

router = APIRouter(prefix="/bulk", tags=["runs"])


class Made(BaseModel):
    """The runs that were made, in the order in which they were asked for."""

    ids: list[str]


class Done(BaseModel):
    """What became of one of them: its record (of a retry the new one's), or why not."""

    id: str
    run: RunRecord | None
    problem: Problem | None


class AllDone(BaseModel):
    """What became of each, in the order in which they were named."""

    items: list[Done]


@router.post("/runs", status_code=201, response_model=Made)
async def ask_for_runs(
    backend: BackendNeeded,
    caller: CallerNeeded,
    given: RunsGiven,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for many runs. With an idempotency key the same request again makes none."""
    asked = [
        asked_for(each, caller, None if idempotency_key is None else f"{idempotency_key} {number}")
        for number, each in enumerate(given.runs)
    ]
    return Document({"ids": await backend.store.follow(create_runs(asked))}, 201)


@router.post("/cancel", response_model=AllDone)
async def cancel_runs(backend: BackendNeeded, caller: CallerNeeded, given: IdsGiven) -> Response:
    """Cancel each; a refusal of one keeps no other from its turn."""
    acting = backend.acting(caller)
    return await _each(backend, given, lambda run_id: runs.cancel(run_id, acting))


@router.post("/retry", response_model=AllDone)
async def retry_runs(backend: BackendNeeded, given: IdsGiven) -> Response:
    """Do each again that has ended."""
    return await _each(backend, given, runs.retry)


@router.post("/delete", response_model=AllDone)
async def delete_runs(backend: BackendNeeded, given: IdsGiven) -> Response:
    """Forget each that has ended."""
    return await _each(backend, given, runs.delete)


async def _each(backend: Backend, given: IdsGiven, act: Callable[[str], Plan[Run]]) -> Response:
    items: list[dict[str, Any]] = []
    for run_id in dict.fromkeys(given.ids):
        try:
            run = await backend.store.follow(act(run_id))
        except (NotFound, Conflict, InvalidInput) as refusal:
            items.append({"id": run_id, "run": None, "problem": problem_of(refusal)})
        else:
            items.append({"id": run_id, "run": shown(run), "problem": None})
    return Document({"items": items})
