"""Triggers over HTTP: see them, let them fire or not, try them on past events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from orchestrator.api.backend import BackendNeeded, CallerNeeded
from orchestrator.api.documents import answer, answer_list
from orchestrator.api.records import Listed, RehearsalRecord, TriggerRecord
from orchestrator.api.routes.of_all import answer_of_all
from orchestrator.operations import triggers

router = APIRouter(tags=["triggers"])

ALL = "/deployments/{flow}/{name}/triggers"
ONE = ALL + "/{trigger}"

Latest = Annotated[int, Query(ge=1, le=100_000, description="How many of the latest events.")]


class TriggerOfAll(TriggerRecord):
    """A trigger, and whose it is."""

    deployment: str


@router.get("/triggers", response_model=Listed[TriggerOfAll])
async def list_all_triggers(backend: BackendNeeded) -> Response:
    """The triggers of all deployments."""
    return await answer_of_all(backend, lambda each: each.triggers)


@router.get(ALL, response_model=Listed[TriggerRecord])
async def list_triggers(backend: BackendNeeded, flow: str, name: str) -> Response:
    """The triggers of one deployment, by name."""
    return answer_list(await backend.store.follow(triggers.listed(f"{flow}/{name}")))


@router.get(ONE, response_model=TriggerRecord)
async def read_trigger(backend: BackendNeeded, flow: str, name: str, trigger: str) -> Response:
    """One trigger."""
    return answer(await backend.store.follow(triggers.read(f"{flow}/{name}", trigger)))


@router.post(f"{ONE}/enable", response_model=TriggerRecord)
async def enable_trigger(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str, trigger: str
) -> Response:
    """Let it fire; it begins to count anew. Serving again leaves it so."""
    acting = backend.acting(caller)
    plan = triggers.enable(f"{flow}/{name}", trigger, acting, enabled=True)
    return answer(await backend.store.follow(plan))


@router.post(f"{ONE}/disable", response_model=TriggerRecord)
async def disable_trigger(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str, trigger: str
) -> Response:
    """Let it not fire until it is enabled again. Serving again leaves it so."""
    acting = backend.acting(caller)
    plan = triggers.enable(f"{flow}/{name}", trigger, acting, enabled=False)
    return answer(await backend.store.follow(plan))


@router.get(f"{ONE}/test", response_model=Listed[RehearsalRecord])
async def rehearse_trigger(
    backend: BackendNeeded, flow: str, name: str, trigger: str, latest: Latest = triggers.LATEST
) -> Response:
    """What it would have done at past events. Nothing is changed."""
    plan = triggers.rehearsed(f"{flow}/{name}", trigger, latest)
    return answer_list(await backend.store.follow(plan))
