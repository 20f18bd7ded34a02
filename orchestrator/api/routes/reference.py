"""The reference page: the OpenAPI document for people. It loads nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

_PAGE = files("orchestrator.api").joinpath("shipped", "reference.html").read_text(encoding="utf-8")


@router.get("/api/reference")
async def reference() -> Response:
    """A page that reads the OpenAPI document and shows it."""
    return HTMLResponse(_PAGE)
