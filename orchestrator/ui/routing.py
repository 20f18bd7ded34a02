"""Routes of pages: their errors are pages too, or sentences where a script asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from orchestrator.client.problems import problem_of
from orchestrator.model.errors import OrchestratorError
from orchestrator.ui.viewing import SAID, view_of


class PageRoute(APIRoute):
    """Answers our errors as people want to read them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except OrchestratorError as error:
                return await _page_of(request, error)

        return answer


def pages() -> APIRouter:
    """A router for pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


async def _page_of(request: Request, error: OrchestratorError) -> Response:
    view = await view_of(request)
    problem = problem_of(error)
    status: int = problem["status"]
    if view.wants_json:
        return JSONResponse({"ok": False, "text": problem["detail"]}, status)
    back = request.headers.get("referer", "/")
    response = view.plain_page("error.html", status, problem=problem, back=back)
    response.delete_cookie(SAID)
    return response
