"""Deployments over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from orchestrator.api.backend import BackendNeeded
from orchestrator.api.records import DeploymentRecord
from orchestrator.store.deployments import list_deployments

router = APIRouter(prefix="/deployments", tags=["deployments"])


@router.get("", response_model=list[DeploymentRecord])
async def deployments(backend: BackendNeeded) -> Response:
    """All deployments, by name."""
    found = await backend.store.follow(list_deployments())
    return JSONResponse([deployment.to_json() for deployment in found])
