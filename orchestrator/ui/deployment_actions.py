"""What can be done to a deployment and its schedules from their pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import HTTPException
from starlette.responses import Response

from orchestrator.model.errors import Conflict
from orchestrator.ui import acting
from orchestrator.ui.rendering import deployment_path
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import View, ViewNeeded, own_place

router = pages()

_ACTS: dict[str, Callable[[View, str], Awaitable[str]]] = {
    "pause": acting.pause_deployment,
    "resume": acting.resume_deployment,
    "hold": acting.hold_deployment,
    "release": acting.release_deployment,
    "delete": acting.delete_deployment,
}
_SCHEDULE_ACTS: dict[str, Callable[[View, str, str], Awaitable[str]]] = {
    "pause": acting.pause_schedule,
    "resume": acting.resume_schedule,
    "delete": acting.delete_schedule,
}


@router.post("/deployments/{flow}/{own}/do/{act}")
async def act(flow: str, own: str, act: str, view: ViewNeeded) -> Response:
    """Pause, resume, hold, release or delete it."""
    name = f"{flow}/{own}"
    if act not in _ACTS:
        raise HTTPException(404, "no such action")
    back = own_place((await view.form()).get("back"), deployment_path(name))
    try:
        text = await _ACTS[act](view, name)
    except Conflict as refusal:
        return view.done(str(refusal), back, good=False)
    return view.done(text, "/deployments" if act == "delete" else back)


@router.post("/deployments/{flow}/{own}/schedules/{slug}/do/{act}")
async def act_on_schedule(flow: str, own: str, slug: str, act: str, view: ViewNeeded) -> Response:
    """Pause, resume or delete one schedule."""
    name = f"{flow}/{own}"
    if act not in _SCHEDULE_ACTS:
        raise HTTPException(404, "no such action")
    return view.done(await _SCHEDULE_ACTS[act](view, name, slug), deployment_path(name))


@router.post("/deployments/{flow}/{own}/triggers/do/{act}")
async def act_on_trigger(flow: str, own: str, act: str, view: ViewNeeded) -> Response:
    """Enable or disable the trigger that the form names: its name may hold any character."""
    name, trigger = f"{flow}/{own}", str((await view.form()).get("name"))
    if act not in ("enable", "disable"):
        raise HTTPException(404, "no such action")
    text = await acting.enable_trigger(view, name, trigger, enabled=act == "enable")
    return view.done(text, deployment_path(name))
