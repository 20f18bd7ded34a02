"""Files that the API's own pages need: from the package, nothing is loaded from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_TYPES = {"page.css": "text/css", "reference.js": "text/javascript"}
_FILES = {name: files("orchestrator.api").joinpath("shipped", name).read_bytes() for name in _TYPES}


@router.get("/api/assets/{name}")
async def asset(name: str) -> Response:
    """One of the shipped files."""
    if name not in _FILES:
        raise HTTPException(404, "no such file")
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(_FILES[name], media_type=_TYPES[name], headers=headers)
