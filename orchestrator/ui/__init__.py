"""The pages: records as HTML, forms as operations. Everything they load is shipped beside them.

They work without scripts; scripts keep them true while somebody looks.
"""

from __future__ import annotations

from fastapi import FastAPI

from orchestrator.ui import (
    assets,
    deployment_actions,
    deployment_pages,
    event_pages,
    home_page,
    run_actions,
    run_form,
    run_logs,
    run_pages,
    runner_pages,
    schedule_pages,
    settings_page,
)

ROUTERS = (
    assets.router,
    home_page.router,
    run_pages.router,
    run_logs.router,
    run_actions.router,
    run_form.router,
    schedule_pages.router,
    deployment_pages.router,
    deployment_actions.router,
    runner_pages.router,
    event_pages.router,
    settings_page.router,
)


def mount(app: FastAPI) -> None:
    """Add the pages to an application of ``orchestrator.api``."""
    for router in ROUTERS:
        app.include_router(router)
