"""The feed of events."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from orchestrator.store.events import WantedEvents, list_events
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import ViewNeeded

router = pages()

ROWS = 50


@router.get("/events")
async def events(view: ViewNeeded) -> Response:
    """The newest events first."""
    name, resource = view.query.get("name", "").strip(), view.query.get("resource", "").strip()
    before = view.query.get("before", "")
    wanted = WantedEvents(names=(name,) if name else (), resource_id=resource or None)
    found = await view.store.follow(list_events(ROWS, wanted, before if _is_place(before) else ""))
    filters = {"name": name, "resource": resource}
    here = urlencode({key: text for key, text in filters.items() if text})
    older = f"{here}&before={found[-1].position}" if len(found) == ROWS else None
    return await view.page("events.html", 200, found=found, older=older, before=before, **filters)


def _is_place(text: str) -> bool:
    at, _, number = text.partition("-")
    return all(each.isascii() and each.isdecimal() and len(each) < 20 for each in (at, number))
