"""Deployments over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from orchestrator.api.backend import BackendNeeded, CallerNeeded
from orchestrator.api.documents import Document, answer, answer_list
from orchestrator.api.given import IdempotencyKey, Limit, RunOfDeploymentGiven, Tags
from orchestrator.api.records import DeploymentRecord, Listed, RunRecord, VersionRecord
from orchestrator.api.routes.creating import asked_for
from orchestrator.operations import deployments
from orchestrator.operations.deployments import WantedDeployments
from orchestrator.store.submission import create_run

router = APIRouter(prefix="/deployments", tags=["deployments"])

ONE = "/{flow}/{name}"


class Deleted(BaseModel):
    """What a deletion took with it."""

    name: str
    deleted_runs: int


@router.get("", response_model=Listed[DeploymentRecord])
async def list_deployments(
    backend: BackendNeeded,
    text: Annotated[str, Query(description="In name or description.")] = "",
    tag: Tags = [],  # noqa: B006 - never changed
    paused: bool | None = None,
    held: bool | None = None,
    limit: Limit = 1000,
    after: Annotated[str, Query(description="next of the page before.")] = "",
) -> Response:
    """Deployments by name."""
    wanted = WantedDeployments(text=text, tags=tag, paused=paused, held=held)
    page = await backend.store.follow(deployments.page(limit, wanted, after))
    return answer_list(page.items, page.next)


@router.get("/{id}", response_model=DeploymentRecord)
async def read_deployment_by_id(backend: BackendNeeded, id: str) -> Response:  # noqa: A002
    """One deployment, known by its id."""
    return answer(await backend.store.follow(deployments.read(id)))


@router.get(ONE, response_model=DeploymentRecord)
async def read_deployment(backend: BackendNeeded, flow: str, name: str) -> Response:
    """One deployment with its schedules and runners."""
    return answer(await backend.store.follow(deployments.read(f"{flow}/{name}")))


@router.get(f"{ONE}/versions", response_model=Listed[VersionRecord])
async def list_versions(backend: BackendNeeded, flow: str, name: str) -> Response:
    """What was served under this name and when, the newest first."""
    return answer_list(await backend.store.follow(deployments.versions(f"{flow}/{name}")))


@router.post(f"{ONE}/runs", status_code=201, response_model=RunRecord)
async def run_deployment(
    backend: BackendNeeded,
    caller: CallerNeeded,
    flow: str,
    name: str,
    given: RunOfDeploymentGiven,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for a run, now or later."""
    asked = asked_for(given, caller, idempotency_key, deployment=f"{flow}/{name}")
    return answer(await backend.store.follow(create_run(asked, doors=backend.doors)), 201)


@router.post(f"{ONE}/pause", response_model=DeploymentRecord)
async def pause_deployment(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str
) -> Response:
    """Stop its schedules; their runs that still wait end as Skipped, others still run."""
    plan = deployments.pause(f"{flow}/{name}", backend.acting(caller))
    return answer(await backend.store.follow(plan))


@router.post(f"{ONE}/resume", response_model=DeploymentRecord)
async def resume_deployment(backend: BackendNeeded, flow: str, name: str) -> Response:
    """Let its schedules go on, from now."""
    return answer(await backend.store.follow(deployments.resume(f"{flow}/{name}")))


@router.post(f"{ONE}/hold", response_model=DeploymentRecord)
async def hold_deployment(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str
) -> Response:
    """Let no run of it start, whoever asked for it, until it is released."""
    plan = deployments.hold(f"{flow}/{name}", backend.acting(caller), held=True)
    return answer(await backend.store.follow(plan))


@router.post(f"{ONE}/release", response_model=DeploymentRecord)
async def release_deployment(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str
) -> Response:
    """Let its runs start again."""
    plan = deployments.hold(f"{flow}/{name}", backend.acting(caller), held=False)
    return answer(await backend.store.follow(plan))


@router.delete(ONE, response_model=Deleted)
async def delete_deployment(
    backend: BackendNeeded,
    flow: str,
    name: str,
    force: Annotated[bool, Query(description="Though served, or with runs under way.")] = False,
) -> Response:
    """Forget it with its schedules, runs and logs."""
    full_name = f"{flow}/{name}"
    number = await backend.store.follow(deployments.delete(full_name, force=force))
    return Document({"name": full_name, "deleted_runs": number})
