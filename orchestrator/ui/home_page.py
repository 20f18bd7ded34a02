"""What goes on: what runs, failed lately, is late, comes next; and the last hours as a picture."""

from __future__ import annotations

from starlette.responses import Response

from orchestrator.store.overview import read_overview
from orchestrator.ui.charts import lanes
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import ViewNeeded

router = pages()

WINDOWS = {"15m": 900_000, "1h": 3_600_000, "6h": 6 * 3_600_000, "24h": 86_400_000}
"""How far back the picture looks."""


@router.get("/")
async def home(view: ViewNeeded) -> Response:
    """The first page."""
    zoom = view.query.get("window", "1h")
    window_ms = WINDOWS.get(zoom, WINDOWS["1h"])
    found = await view.store.follow(read_overview(view.now_ms, window_ms))
    return await view.page(
        "home.html",
        found=found,
        lanes=lanes(found.timeline, view.now_ms, window_ms),
        zoom=zoom if zoom in WINDOWS else "1h",
        windows=WINDOWS,
        window_ms=window_ms,
    )
