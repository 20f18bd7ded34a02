"""Logging in with a key, and out: for browsers."""

from __future__ import annotations

import time
from html import escape
from importlib.resources import files
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from orchestrator.api.backend import BackendNeeded
from orchestrator.api.guard import address_of
from orchestrator.api.sessions import COOKIE, LIFE_SECONDS, new_session
from orchestrator.model.apikeys import find_key

router = APIRouter(include_in_schema=False)
_PAGE = files("orchestrator.api").joinpath("shipped", "login.html").read_text(encoding="utf-8")


@router.get("/login")
async def login_page(request: Request, backend: BackendNeeded) -> Response:
    """The form that asks for a key."""
    place = request.query_params.get("next", "/")
    return _page(place, "", 200) if backend.keys else RedirectResponse(_own(place), 303)


@router.post("/login")
async def log_in(request: Request, backend: BackendNeeded) -> Response:
    """A session for who shows a right key."""
    try:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return _page("/", "That was not the form of this page.", 400)
    place = form.get("next", ["/"])[0]
    now, address = time.time(), address_of(request.scope)
    if wait := backend.attempts.wait(address, now):
        response = _page(place, f"Too many wrong keys: wait {wait:.0f} seconds.", 429)
        response.headers["Retry-After"] = str(int(wait) + 1)
        return response
    key = find_key(backend.keys, form.get("key", [""])[0].strip())
    if key is None:
        backend.attempts.was_wrong(address, now)
        return _page(place, "This is not one of the keys.", 401)
    response = RedirectResponse(_own(place), 303)
    response.set_cookie(
        COOKIE,
        new_session(key, now),
        max_age=LIFE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
async def log_out() -> Response:
    """Forget the session in this browser."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response


def _page(place: str, said: str, status: int) -> Response:
    page = _PAGE.replace("{next}", escape(place)).replace("{said}", escape(said))
    return HTMLResponse(page, status)


def _own(place: str) -> str:
    """The place if it is a path of ours; ``//host`` and ``/\\host`` would lead elsewhere."""
    plain = place.isprintable() and place.startswith("/") and "\\" not in place
    return place if plain and not place.startswith("//") else "/"
