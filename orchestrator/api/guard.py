"""The guard: every request passes it before any route, mount or page sees it.

What is not let in by name needs a key, also paths that lead nowhere: no route can be forgotten.
"""

from __future__ import annotations

import re
import time
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.api.backend import Backend, Caller
from orchestrator.api.hosts import (
    allowed_names,
    is_allowed_host,
    is_foreign,
    is_from_browser,
    sender_of,
)
from orchestrator.api.limits import LimitedBody
from orchestrator.api.problems import refusal
from orchestrator.api.safe_headers import with_safe_headers
from orchestrator.api.sessions import COOKIE, key_of_session
from orchestrator.model.apikeys import ApiKey, find_key

OPEN = frozenset({"/login", "/api/assets/page.css", "/api/v1/health"})
"""Paths that need no key: compared as they are routed, letter by letter."""

WEBHOOK = re.compile(r"/api/v1/webhooks/[^/]+")
"""These prove by a signature who sends them, which their route checks."""

OWN = frozenset({"/logout", "/settings/theme"})
"""The changes that a key for reading may make: they are to its own browser."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL = Caller("person")


class Guard:
    """Asks of each request: is it meant for us, sent by our own pages, and by whom?"""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._keys = backend.keys
        self._attempts = backend.attempts
        self._names = allowed_names(backend.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets here
            raise RuntimeError(f"the API speaks HTTP only, not {scope['type']}")
        send = with_safe_headers(send)
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await LimitedBody(self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        """None lets it in, with its caller in the scope."""
        headers = Headers(scope=scope)
        if not is_allowed_host(headers.get("host", ""), self._names):
            return refusal(
                421,
                "host_not_allowed",
                "the name in the Host header is none of this machine's",
                "Add the name to ORCHESTRATOR_API_HOSTS.",
            )
        changes = scope["method"] not in READING
        if changes and is_foreign(headers):
            return refusal(
                403,
                "cross_site",
                "a page of another site has sent this",
                "Use the pages of this server, or a program.",
            )
        if scope["path"] in OPEN or WEBHOOK.fullmatch(scope["path"]):
            _let_in(scope, LOCAL)
            return None
        return self._unknown(scope, headers, changes=changes)

    def _unknown(self, scope: Scope, headers: Headers, *, changes: bool) -> Response | None:
        """None for who may do this, with its name in the scope."""
        if not self._keys:
            _let_in(scope, LOCAL)
            return None
        # Not for sessions: nobody guesses those, and who sits behind the same proxy must not wait.
        wait = self._attempts.wait(address_of(scope), time.time())
        if wait and "authorization" in headers:
            return too_many(wait)
        key = self._key(scope, headers, changes=changes)
        if key is None:
            return _key_needed(scope, headers)
        if key.read_only and changes and scope["path"] not in OWN:
            return refusal(
                403,
                "read_only_key",
                f"the key {key.name} may read only",
                "Use a key without :read.",
            )
        _let_in(scope, Caller(key.name, key.read_only, key))
        return None

    def _key(self, scope: Scope, headers: Headers, *, changes: bool) -> ApiKey | None:
        """The key that was shown, now or when the session began."""
        now = time.time()
        if "authorization" in headers:
            kind, _, secret = headers["authorization"].partition(" ")
            key = find_key(self._keys, secret.strip()) if kind.lower() == "bearer" else None
            if key is None:
                self._attempts.was_wrong(address_of(scope), now)
            return key
        if changes and not is_from_browser(headers):
            return None  # a cookie without a word of who sends it proves nothing
        cookie = HTTPConnection(scope).cookies.get(COOKIE)
        return None if cookie is None else key_of_session(self._keys, cookie, now)


def too_many(wait: float) -> Response:
    """The answer to an address that has shown too many wrong keys."""
    response = refusal(
        429,
        "too_many_attempts",
        "too many wrong keys came from this address",
        f"Wait {wait:.0f} seconds.",
    )
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def _key_needed(scope: Scope, headers: Headers) -> Response:
    if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        place = scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(place, safe='')}", 303)
    response = refusal(
        401,
        "key_needed",
        "this needs a key of the API",
        "Send it as Authorization: Bearer KEY, or log in at /login.",
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _let_in(scope: Scope, caller: Caller) -> None:
    scope.setdefault("state", {})["caller"] = caller


def address_of(scope: Scope) -> str:
    """Who sends, as the network tells it."""
    client = scope.get("client")
    return sender_of(client[0]) if client else ""
