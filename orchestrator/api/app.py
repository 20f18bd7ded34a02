"""The application: routes, guard and error handling, put together."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from orchestrator.api import assets, login
from orchestrator.api.backend import Backend
from orchestrator.api.exposure import check_exposure
from orchestrator.api.guard import Guard
from orchestrator.api.heads import AnsweringHead
from orchestrator.api.live import Live
from orchestrator.api.openapi import exact
from orchestrator.api.problems import Problem, answer_errors
from orchestrator.api.routes import (
    deployments,
    events,
    health,
    logs,
    many_runs,
    reference,
    runners,
    runs,
    schedules,
    triggers,
    webhooks,
)
from orchestrator.model.apikeys import parse_keys
from orchestrator.settings import Settings
from orchestrator.store.connection import open_async_store
from orchestrator.version import __version__

PREFIX = "/api/v1"


class Api(FastAPI):
    """The application inside its guard, which stands outside of everything else."""

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(AnsweringHead(super().build_middleware_stack()), self.state.backend)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = exact(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings) -> Api:
    """The API over the server of ``settings.redis_url``, and the pages when they are installed.

    Raises:
        InvalidOption: it would be open to others than this machine without a key.
    """
    check_exposure(settings)
    assert settings.redis_url is not None, "who starts the API knows the server"
    backend = Backend(
        store=open_async_store(settings.redis_url),
        settings=settings,
        keys=parse_keys(settings.api_key) if settings.api_key else (),
    )
    app = Api(
        title="orchestrator",
        version=__version__,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=_closing_store,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # a redirect would name a host that the client chose
        responses={"default": {"model": Problem, "description": "Refused: why, and what to do"}},
    )
    app.state.backend = backend
    app.state.stopping = threading.Event()
    app.state.live = Live(backend.store, app.state.stopping)
    answer_errors(app)
    for routes in (
        health,
        schedules,
        triggers,
        deployments,
        many_runs,
        logs,
        runs,
        runners,
        events,
        webhooks,
    ):
        app.include_router(routes.router, prefix=PREFIX)
    app.include_router(login.router)
    app.include_router(assets.router)
    app.include_router(reference.router)
    mount_pages(app)
    return app


def mount_pages(app: FastAPI) -> None:
    """Add the pages: ``mount(app)`` of ``orchestrator.ui``, where they are installed."""
    if find_spec("orchestrator.ui") is not None:
        import_module("orchestrator.ui").mount(app)


@asynccontextmanager
async def _closing_store(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.backend.store.close()
