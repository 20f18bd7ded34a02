"""Adding a schedule and changing one, with the instants at which it will fire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from orchestrator.model.deployment import Deployment, ScheduleRecord
from orchestrator.model.errors import Conflict, InvalidInput
from orchestrator.model.preview import Upcoming, preview
from orchestrator.operations import schedules
from orchestrator.store.submission import find_deployment
from orchestrator.ui.rendering import deployment_path
from orchestrator.ui.routing import pages
from orchestrator.ui.schedule_form import EMPTY, Texts, schedule_of, texts_of
from orchestrator.ui.viewing import View, ViewNeeded

router = pages()

COUNT = 10


@router.get("/deployments/{flow}/{own}/schedules")
async def new_schedule(flow: str, own: str, view: ViewNeeded) -> Response:
    """The empty form."""
    deployment = await view.store.follow(find_deployment(f"{flow}/{own}"))
    return await _shown(view, deployment, EMPTY)


@router.post("/deployments/{flow}/{own}/schedules")
async def create(flow: str, own: str, view: ViewNeeded) -> Response:
    """Add the schedule that was typed."""
    name, texts = f"{flow}/{own}", await _texts(view)
    deployment = await view.store.follow(find_deployment(name))
    if "preview" in texts:
        return await _shown(view, deployment, texts)
    try:
        schedule = schedule_of(name, texts, deployment.parameter_schema)
        made = await view.store.follow(schedules.create(name, schedule))
    except (InvalidInput, Conflict) as error:
        return await _shown(view, deployment, texts, error=error)
    return view.done(f"Schedule {made.definition.slug} was added.", deployment_path(name))


@router.post("/deployments/{flow}/{own}/preview")
async def look_ahead(flow: str, own: str, view: ViewNeeded) -> Response:
    """The next instants of what is being typed."""
    deployment = await view.store.follow(find_deployment(f"{flow}/{own}"))
    return view.part("instants.html", **_instants(deployment, await _texts(view)))


@router.get("/deployments/{flow}/{own}/schedules/{slug}")
async def schedule(flow: str, own: str, slug: str, view: ViewNeeded) -> Response:
    """The form with a schedule there is."""
    deployment = await view.store.follow(find_deployment(f"{flow}/{own}"))
    record = await view.store.follow(schedules.read(deployment.name, slug))
    return await _shown(view, deployment, texts_of(record), record)


@router.post("/deployments/{flow}/{own}/schedules/{slug}")
async def change(flow: str, own: str, slug: str, view: ViewNeeded) -> Response:
    """Put what was typed in its place."""
    name, texts = f"{flow}/{own}", {**await _texts(view), "slug": slug}
    deployment = await view.store.follow(find_deployment(name))
    record = await view.store.follow(schedules.read(name, slug))
    if "preview" in texts:
        return await _shown(view, deployment, texts, record)
    try:
        new = schedule_of(name, texts, deployment.parameter_schema, record.definition)
        await view.store.follow(schedules.replace(name, slug, new))
    except (InvalidInput, Conflict) as error:
        return await _shown(view, deployment, texts, record, error)
    return view.done(f"Schedule {slug} was changed.", deployment_path(name))


async def _texts(view: View) -> dict[str, str]:
    return {name: str(text) for name, text in (await view.form()).items()}


async def _shown(
    view: View,
    deployment: Deployment,
    texts: Texts,
    record: ScheduleRecord | None = None,
    error: Exception | None = None,
) -> Response:
    return await view.page(
        "schedule.html",
        422 if error else 200,
        deployment=deployment,
        place=deployment_path(deployment.name),
        texts={**EMPTY, "day_or": "" if texts is not EMPTY else "1", **texts},
        record=record,
        error=error,
        **_instants(deployment, texts),
    )


def _instants(deployment: Deployment, texts: Texts) -> Mapping[str, Any]:
    """The next instants, or why there are none."""
    rows: list[Upcoming] = []
    if not texts.get("expression", "").strip():
        return {"instants": rows, "why": "", "zone": ""}
    try:
        # What it hands to its runs changes nothing about its instants.
        schedule = schedule_of(deployment.name, {**texts, "parameters": "", "slug": ""}, {})
        definition = schedule.definition("preview")
    except InvalidInput as error:
        return {"instants": rows, "why": str(error), "zone": ""}
    rows = preview(definition, COUNT, datetime.now(UTC))
    why = "" if rows else "It has ended: it never fires again."
    return {"instants": rows, "why": why, "zone": definition.timezone}
