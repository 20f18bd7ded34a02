"""What every page is made with: the store, the time, who looks; and how it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from orchestrator.api.backend import Backend, backend_of, caller_of
from orchestrator.model.clock import SystemClock
from orchestrator.operations.acting import Acting
from orchestrator.store.attention import is_led
from orchestrator.store.caller import AsyncStore
from orchestrator.ui.rendering import environment
from orchestrator.version import __version__

THEME, SAID = "orchestrator_theme", "orchestrator_said"
THEMES = ("auto", "light", "dark")
_LONGEST_SAID = 1500
_SAID_SECONDS = 30

_templates = environment()


@dataclass(frozen=True, slots=True)
class View:
    """One request of a browser, with what its answer needs."""

    request: Request
    backend: Backend
    now_ms: int

    @property
    def store(self) -> AsyncStore:
        return self.backend.store

    @property
    def by(self) -> str:
        """Who asks, as records name it."""
        return caller_of(self.request).name

    @property
    def acting(self) -> Acting:
        """On whose behalf something is done."""
        return self.backend.acting(caller_of(self.request))

    @property
    def wants_json(self) -> bool:
        """A script of ours asks: it shows the answer in place."""
        return "application/json" in self.request.headers.get("accept", "")

    @property
    def query(self) -> dict[str, str]:
        """The last of each name; no empty ones."""
        return {name: text for name, text in self.request.query_params.items() if text}

    async def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A whole page."""
        led = await self.store.call(is_led())
        return self.plain_page(template, status, led=led, **facts)

    def plain_page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """The same, when the server cannot be asked."""
        theme = self.request.cookies.get(THEME, "auto")
        said = _said(self.request.cookies.get(SAID))
        html = _templates.get_template(template).render(
            {
                "now": self.now_ms,
                "view": self,
                "path": self.request.url.path,
                "theme": theme if theme in THEMES else "auto",
                "said": said,
                "version": __version__,
                "who": caller_of(self.request),
                "led": True,
                **facts,
            }
        )
        response = HTMLResponse(html, status)
        if said:
            response.delete_cookie(SAID)
        return response

    def part(self, template: str, **facts: Any) -> Response:
        """A piece of a page."""
        html = _templates.get_template(template).render({"now": self.now_ms, **facts})
        return HTMLResponse(html)

    def done(self, text: str, place: str, *, good: bool = True) -> Response:
        """What an action came to: said in place to a script, else on the page that follows."""
        if self.wants_json:
            return JSONResponse({"ok": good, "text": text, "place": place}, 200 if good else 409)
        response = RedirectResponse(place, 303)
        said = quote(json.dumps([good, text[:_LONGEST_SAID]]))
        response.set_cookie(SAID, said, max_age=_SAID_SECONDS, httponly=True, samesite="strict")
        return response

    async def form(self) -> FormData:
        """What was sent with the form."""
        return await self.request.form(max_fields=5000, max_part_size=2**20)


async def view_of(request: Request) -> View:
    return View(request, backend_of(request), SystemClock().now_ms())


ViewNeeded = Annotated[View, Depends(view_of)]


def own_place(text: object, default: str) -> str:
    """A path of ours to go back to; anything else could lead elsewhere."""
    place = str(text or "")
    if place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable():
        return place
    return default


def _said(cookie: str | None) -> tuple[bool, str] | None:
    """What the action before this page came to. Whoever wrote the cookie, it is only text."""
    try:
        good, text = json.loads(unquote(cookie or ""))
    except (ValueError, TypeError, RecursionError):
        return None
    return bool(good), str(text)
