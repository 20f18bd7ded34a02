"""Styles, scripts and icons, under an address that changes when any of them does."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER = files("orchestrator.ui").joinpath("static")
_FILES = {
    each.name: each.read_bytes() for each in _FOLDER.iterdir() if each.name.endswith(tuple(_TYPES))
}
DIGEST = hashlib.sha256(b"".join(_FILES[name] for name in sorted(_FILES))).hexdigest()[:12]


def address(name: str) -> str:
    """Where a browser finds the file; KeyError when there is none."""
    _ = _FILES[name]
    return f"/static/{DIGEST}/{name}"


@router.get("/static/{digest}/{name}")
async def asset(digest: str, name: str) -> Response:
    """One of the files. Kept for ever only under its true address: an old page may ask for files
    of a version that is not here any more."""
    if name not in _FILES:
        raise HTTPException(404, "no such file")
    keep = "public, max-age=31536000, immutable" if digest == DIGEST else "no-store"
    media_type = _TYPES["." + name.rpartition(".")[2]]
    return Response(_FILES[name], media_type=media_type, headers={"Cache-Control": keep})
