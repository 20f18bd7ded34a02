"""Runs over HTTP: asking for them, reading, stopping, doing again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from orchestrator.api.backend import Backend, BackendNeeded, CallerNeeded
from orchestrator.api.documents import Document, answer, shown
from orchestrator.api.given import (
    IdempotencyKey,
    Limit,
    Moment,
    RetryGiven,
    RunGiven,
    Tags,
)
from orchestrator.api.records import ExplanationRecord, RunRecord, RunsListed
from orchestrator.api.routes.creating import asked_for
from orchestrator.model.clock import SystemClock, rfc3339
from orchestrator.model.ids import deployment_of
from orchestrator.model.run import Run
from orchestrator.operations import runs
from orchestrator.store import keys
from orchestrator.store.submission import create_run

router = APIRouter(prefix="/runs", tags=["runs"])

LONGEST_WAIT = 60.0


@router.get("", response_model=RunsListed)
async def list_runs(
    backend: BackendNeeded,
    deployment: Annotated[str | None, Query(description="flow/deployment, or its id.")] = None,
    state: Annotated[list[str], Query(description="Any of these; Late too.")] = [],  # noqa: B006
    tag: Tags = [],  # noqa: B006
    since: Moment = None,
    until: Moment = None,
    text: Annotated[str, Query(description="In name or id.")] = "",
    parent: Annotated[str | None, Query(description="Asked for by this run.")] = None,
    limit: Limit = 50,
    before: Annotated[str, Query(description="next of the page before.")] = "",
) -> Response:
    """Runs, the newest first. A page may be short although there is a next one: of what is rare
    only so many records are looked at for one answer."""
    wanted = runs.wanted_runs(deployment, state, tag, since, until, text, parent)
    page = await backend.store.follow(runs.page(limit, wanted, before))
    return Document(
        {
            "items": list(map(shown, page.items)),
            "next": page.next,
            "looked_at": page.looked_at,
            "back_to": rfc3339(page.back_to_ms),
        }
    )


@router.post("", status_code=201, response_model=RunRecord)
async def ask_for_run(
    backend: BackendNeeded,
    caller: CallerNeeded,
    given: RunGiven,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for a run, now or later."""
    asked = asked_for(given, caller, idempotency_key)
    return answer(await backend.store.follow(create_run(asked, doors=backend.doors)), 201)


@router.get("/{run_id}", response_model=RunRecord)
async def read_run(
    backend: BackendNeeded,
    run_id: str,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for its end.")
    ] = 0,
) -> Response:
    """One run; with ``wait`` as soon as it is over, or as it is then."""
    run = await backend.store.follow(runs.read(run_id))
    if wait and not run.is_final:
        run = await _at_its_end(backend, run, wait)
    return answer(run)


@router.get("/{run_id}/explain", response_model=ExplanationRecord)
async def explain_run(backend: BackendNeeded, run_id: str) -> Response:
    """Why the run is where it is, in plain words."""
    explanation = await backend.store.follow(runs.explained(run_id))
    document = explanation.to_json(SystemClock().now_ms())
    return Document({**document, "run": shown(explanation.run)})


@router.post("/{run_id}/cancel", response_model=RunRecord)
async def cancel_run(backend: BackendNeeded, caller: CallerNeeded, run_id: str) -> Response:
    """Stop it in any state; one that runs gets its grace time to clean up."""
    return answer(await backend.store.follow(runs.cancel(run_id, backend.acting(caller))))


@router.post("/{run_id}/pause", response_model=RunRecord)
async def pause_run(backend: BackendNeeded, caller: CallerNeeded, run_id: str) -> Response:
    """Stop its processes where they are, until it is resumed."""
    return answer(await backend.store.follow(runs.pause(run_id, backend.acting(caller))))


@router.post("/{run_id}/resume", response_model=RunRecord)
async def resume_run(backend: BackendNeeded, caller: CallerNeeded, run_id: str) -> Response:
    """Let a paused run go on."""
    return answer(await backend.store.follow(runs.resume(run_id, backend.acting(caller))))


@router.post("/{run_id}/retry", status_code=201, response_model=RunRecord)
async def retry_run(
    backend: BackendNeeded,
    run_id: str,
    given: Annotated[RetryGiven | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A new run that does an ended one again."""
    given = given or RetryGiven()
    plan = runs.retry(run_id, given.parameters, idempotency_key, same_code=given.same_code)
    return answer(await backend.store.follow(plan), 201)


@router.delete("/{run_id}", response_model=RunRecord)
async def delete_run(backend: BackendNeeded, run_id: str) -> Response:
    """Forget an ended run and its log; the record as it was."""
    return answer(await backend.store.follow(runs.delete(run_id)))


async def _at_its_end(backend: Backend, run: Run, seconds: float) -> Run:
    """The record at the run's end, or after so many seconds."""
    channel = keys.ended(deployment_of(run.id))
    try:
        async with asyncio.timeout(seconds), aclosing(backend.store.listen(channel)) as heard:
            # The first message only says that we are listening: an end before it is seen, too.
            async for _, text in heard:
                if text in ("connected", run.id):
                    run = await backend.store.follow(runs.read(run.id))
                if run.is_final:
                    break
    except TimeoutError:
        run = await backend.store.follow(runs.read(run.id))
    return run
