"""Every refusal of the API is a problem document: ours, the framework's, and those of bugs."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from orchestrator.client.problems import MEDIA_TYPE, problem, problem_of
from orchestrator.model.errors import OrchestratorError

_log = logging.getLogger(__name__)

_CODES = {
    400: "unreadable_body",
    404: "route_not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}
_REMEDIES = {
    400: "Send JSON in UTF-8, and not nested without end.",
    404: "GET /api/v1/openapi.json describes every route.",
    405: "GET /api/v1/openapi.json describes every route.",
    413: "Send less at once.",
}


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    where: str
    what: str


class Problem(BaseModel):
    """Why a request was refused, and what to do."""

    type: str
    title: str
    status: int
    code: str
    """Stable: for programs."""
    detail: str
    remedy: str
    errors: list[Fault] = []
    facts: dict[str, Any] = {}
    notes: list[str] = []


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


def refusal(status: int, code: str, detail: str, remedy: str = "", **more: Any) -> Response:
    """A response that refuses."""
    return ProblemResponse(problem(status, code, detail, remedy, **more), status)


def refusal_of(error: OrchestratorError) -> Response:
    """The response for an error of ours."""
    document = problem_of(error)
    return ProblemResponse(document, document["status"])


def answer_errors(app: FastAPI) -> None:
    """Let every error leave ``app`` as a problem document."""
    app.add_exception_handler(OrchestratorError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _frameworks)
    app.add_exception_handler(Exception, _bug)


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OrchestratorError)
    return refusal_of(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _is_not_said_to_be_json(request, error):
        what = "the body does not say that it is JSON"
        return refusal(
            415, "unsupported_media_type", what, "Send Content-Type: application/json with it."
        )
    # Neither the input nor its repr: what was sent may be secret.
    faults = [
        {"where": ".".join(map(str, each["loc"])), "what": str(each["msg"])}
        for each in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    remedy = "Correct what errors names; GET /api/v1/openapi.json describes the request."
    return refusal(422, "invalid_request", detail, remedy, errors=faults)


def _is_not_said_to_be_json(request: Request, error: RequestValidationError) -> bool:
    """Whether there is a body, which was not read for lack of that word."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    return not is_json and any(
        each["loc"] == ("body",) and each["type"] != "missing" for each in error.errors()
    )


async def _frameworks(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = _CODES.get(status, "refused")
    response = refusal(status, code, str(error.detail), _REMEDIES.get(status, ""))
    response.headers.update(error.headers or {})
    if status == METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(_methods(request))
    return response


METHOD_NOT_ALLOWED = 405


def _methods(request: Request) -> list[str]:
    """Every method that the path knows; the framework tells those of the first route only."""
    path = request.url.path
    found = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path and route.methods and compile_path(route.path)[0].match(path)
        for method in route.methods
    }
    return sorted(found)


async def _bug(request: Request, error: Exception) -> Response:
    # The traceback is for who runs the server; who asked learns nothing of the inside.
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    remedy = "The API's log has the traceback: please report it."
    return refusal(500, "internal_error", "the API met an error of its own", remedy)
