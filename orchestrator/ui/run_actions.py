"""What can be done to runs from their pages: to one, or to all that were chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from orchestrator.model.errors import Conflict, InvalidInput, NotFound, OrchestratorError
from orchestrator.ui import acting
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import View, ViewNeeded, own_place

router = pages()


@router.post("/runs/bulk")
async def bulk(view: ViewNeeded) -> Response:
    """Cancel, retry or delete the chosen runs: how many it was done to, and who refused why."""
    form = await view.form()
    back = own_place(form.get("back"), "/runs")
    act = _BULK.get(str(form.get("act")))
    chosen = list(dict.fromkeys(map(str, form.getlist("id"))))
    if act is None or not chosen:
        return view.done("Choose runs first.", back, good=False)
    word, do = act
    done, refused = 0, []
    for run_id in chosen:
        try:
            await do(view, run_id)
            done += 1
        except (NotFound, Conflict, InvalidInput) as error:
            refused.append(str(error))
    return view.done(_told(word, done, refused), back, good=not refused)


@router.post("/runs/{run_id}/cancel")
async def cancel(run_id: str, view: ViewNeeded) -> Response:
    return await _about(view, run_id, acting.cancel_run(view, run_id))


@router.post("/runs/{run_id}/pause")
async def pause(run_id: str, view: ViewNeeded) -> Response:
    return await _about(view, run_id, acting.pause_run(view, run_id))


@router.post("/runs/{run_id}/resume")
async def resume(run_id: str, view: ViewNeeded) -> Response:
    return await _about(view, run_id, acting.resume_run(view, run_id))


@router.post("/runs/{run_id}/delete")
async def delete(run_id: str, view: ViewNeeded) -> Response:
    return await _about(view, run_id, acting.delete_run(view, run_id), after="/runs")


async def _about(
    view: View, run_id: str, act: Awaitable[str], after: str | None = None
) -> Response:
    """Do it; a refusal is said on the page of the run, which shows what is true."""
    place = f"/runs/{run_id}"
    try:
        return view.done(await act, after or place)
    except Conflict as refusal:
        return view.done(f"{_sentence(refusal)}", place, good=False)


def _told(word: str, done: int, refused: list[str]) -> str:
    runs = "1 run" if done == 1 else f"{done} runs"
    return "\n".join([f"{runs} {word}.", *refused[:5], *(["..."] if refused[5:] else [])])


def _sentence(error: OrchestratorError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


_BULK: dict[str, tuple[str, Callable[[View, str], Awaitable[str]]]] = {
    "cancel": ("cancelled", acting.cancel_run),
    "retry": ("asked for again", acting.retry_run),
    "delete": ("deleted", acting.delete_run),
}
