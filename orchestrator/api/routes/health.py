"""Whether the API works, for those who watch over it. Needs no key, and tells no secret."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from orchestrator.api.backend import BackendNeeded
from orchestrator.model.errors import ServerUnavailable
from orchestrator.store.attention import is_led

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What works: ``ok``, ``degraded`` (no scheduler) or ``down`` (no server)."""

    status: Literal["ok", "degraded", "down"]
    server: bool
    scheduler: bool


@router.get("/health", response_model=Health, responses={503: {"model": Health}})
async def health(backend: BackendNeeded) -> Response:
    """Whether the server answers and a scheduler is alive; 503 without a server."""
    try:
        led = await backend.store.call(is_led())
    except ServerUnavailable:
        return JSONResponse({"status": "down", "server": False, "scheduler": False}, 503)
    status = "ok" if led else "degraded"
    return JSONResponse({"status": status, "server": True, "scheduler": led})
