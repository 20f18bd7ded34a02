"""Schedules over HTTP, with previews."""

from __future__ import annotations

from asyncio import to_thread
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from orchestrator.api.backend import BackendNeeded, CallerNeeded
from orchestrator.api.documents import Document, answer, answer_list
from orchestrator.api.given import RuleGiven, ScheduleGiven, When
from orchestrator.api.records import Listed, ScheduleRecord, Upcoming
from orchestrator.api.routes.of_all import answer_of_all
from orchestrator.client.schedule_documents import schedule_of_document
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.preview import preview
from orchestrator.operations import schedules
from orchestrator.schedules import Schedule

router = APIRouter(tags=["schedules"])

ALL = "/deployments/{flow}/{name}/schedules"
ONE = ALL + "/{slug}"

Count = Annotated[int, Query(ge=1, le=1000, description="How many instants.")]
Start = Annotated[When | None, Query(description="From here on; default now.")]


class ScheduleOfAll(ScheduleRecord):
    """A schedule, and whose it is."""

    deployment: str


@router.get("/schedules", response_model=Listed[ScheduleOfAll])
async def list_all_schedules(backend: BackendNeeded) -> Response:
    """The schedules of all deployments."""
    return await answer_of_all(backend, lambda each: each.schedules)


@router.post("/schedules/preview", response_model=Listed[Upcoming])
def preview_rule(
    given: Annotated[RuleGiven, Body()], count: Count = 10, start: Start = None
) -> Response:
    """When a rule would fire next, with notes where clocks change."""
    # In a thread: an odd rule may take its time to say when it fires.
    return _preview(_schedule(given).definition("preview"), count, start)


@router.get(ALL, response_model=Listed[ScheduleRecord])
async def list_schedules(backend: BackendNeeded, flow: str, name: str) -> Response:
    """The schedules of one deployment, by slug."""
    return answer_list(await backend.store.follow(schedules.listed(f"{flow}/{name}")))


@router.post(ALL, status_code=201, response_model=ScheduleRecord)
async def create_schedule(
    backend: BackendNeeded, flow: str, name: str, given: ScheduleGiven
) -> Response:
    """Add a schedule, from now on. The same again changes nothing."""
    plan = schedules.create(f"{flow}/{name}", _schedule(given))
    return answer(await backend.store.follow(plan), 201)


@router.get(ONE, response_model=ScheduleRecord)
async def read_schedule(backend: BackendNeeded, flow: str, name: str, slug: str) -> Response:
    """One schedule."""
    return answer(await backend.store.follow(schedules.read(f"{flow}/{name}", slug)))


@router.put(ONE, response_model=ScheduleRecord)
async def replace_schedule(
    backend: BackendNeeded, flow: str, name: str, slug: str, given: ScheduleGiven
) -> Response:
    """Put another schedule in its place, from now on; serving again leaves it alone."""
    plan = schedules.replace(f"{flow}/{name}", slug, _schedule(given))
    return answer(await backend.store.follow(plan))


@router.delete(ONE, response_model=ScheduleRecord)
async def delete_schedule(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str, slug: str
) -> Response:
    """Forget it; its runs that wait end as Skipped. One that code made comes back with the code."""
    plan = schedules.delete(f"{flow}/{name}", slug, backend.acting(caller))
    return answer(await backend.store.follow(plan))


@router.post(f"{ONE}/pause", response_model=ScheduleRecord)
async def pause_schedule(
    backend: BackendNeeded, caller: CallerNeeded, flow: str, name: str, slug: str
) -> Response:
    """Let it make no more runs; those of it that wait end as Skipped."""
    plan = schedules.pause(f"{flow}/{name}", slug, backend.acting(caller))
    return answer(await backend.store.follow(plan))


@router.post(f"{ONE}/resume", response_model=ScheduleRecord)
async def resume_schedule(backend: BackendNeeded, flow: str, name: str, slug: str) -> Response:
    """Let it go on, from now."""
    return answer(await backend.store.follow(schedules.resume(f"{flow}/{name}", slug)))


@router.get(f"{ONE}/preview", response_model=Listed[Upcoming])
async def preview_schedule(
    backend: BackendNeeded,
    flow: str,
    name: str,
    slug: str,
    count: Count = 10,
    start: Start = None,
) -> Response:
    """When it fires next, with notes where clocks change."""
    record = await backend.store.follow(schedules.read(f"{flow}/{name}", slug))
    return await to_thread(_preview, record.definition, count, start)


def _schedule(given: RuleGiven) -> Schedule:
    return schedule_of_document(given.model_dump())


def _preview(definition: ScheduleDefinition, count: int, start: datetime | None) -> Response:
    rows = preview(definition, count, start or datetime.now(UTC))
    items: list[dict[str, Any]] = [row.to_json() for row in rows]
    return Document({"items": items, "next": None})
