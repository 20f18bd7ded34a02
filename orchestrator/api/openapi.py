"""The OpenAPI document: what FastAPI knows of the routes, made exact where it guesses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.links import add_links
from orchestrator.client.problems import MEDIA_TYPE

Json = dict[str, Any]

_SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of ORCHESTRATOR_API_KEY."},
    "session": {"type": "apiKey", "in": "cookie", "name": "orchestrator_session"},
}

_PROBLEM = {"$ref": "#/components/schemas/Problem"}

OPEN_OPERATIONS = frozenset({"health", "receive_webhook"})
"""Those that need no key."""


def exact(document: Json) -> Json:
    """The document with problems under their media type, with what lets one in, and with links."""
    for operation in _operations(document):
        responses = operation["responses"]
        # FastAPI's own body of a refused request, which we never send: it is a problem, too.
        responses.pop("422", None)
        responses["default"]["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
        if operation["operationId"] not in OPEN_OPERATIONS:
            operation["security"] = [{"key": []}, {"session": []}, {}]
    add_links({each["operationId"]: each for each in _operations(document)})
    document["components"]["securitySchemes"] = _SECURITY
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from (each for each in path.values() if isinstance(each, dict))
