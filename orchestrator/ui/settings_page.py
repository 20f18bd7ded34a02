"""What a person chooses for their own browser."""

from __future__ import annotations

from starlette.responses import Response

from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import THEME, THEMES, ViewNeeded, own_place

router = pages()

YEAR = 365 * 86_400


@router.post("/settings/theme")
async def theme(view: ViewNeeded) -> Response:
    """Light, dark, or as the system says."""
    form = await view.form()
    chosen = str(form.get("theme"))
    response = view.done("", own_place(form.get("back"), "/"))
    if chosen in THEMES:
        response.set_cookie(THEME, chosen, max_age=YEAR, samesite="lax", httponly=True)
    return response
