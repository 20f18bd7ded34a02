"""The log of a run: the part that its page begins with, those that follow, all as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from orchestrator.model.clock import rfc3339
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.operations import runs
from orchestrator.settings import LEVELS
from orchestrator.store.caller import AsyncStore
from orchestrator.store.log_pages import LogPage, WantedLines, log_after, log_before
from orchestrator.store.logs import LogLine, read_log
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import View, ViewNeeded

router = pages()

LINES = 500
"""Lines that a page shows at first, and that come at once later."""


@dataclass(frozen=True, slots=True)
class ShownLog:
    """Lines of a log as the page shows them."""

    page: LogPage
    level: str
    text: str
    over: bool
    at_end: bool
    """The page shows the last lines there are."""
    at_begin: bool
    address: str
    """Where more lines come from."""


async def first_page(view: View, run: Run) -> ShownLog:
    """The last lines of those that the address asks for."""
    return await _shown(view, run, after=None, before=view.query.get("before", ""))


@router.get("/runs/{run_id}/log")
async def part(run_id: str, view: ViewNeeded) -> Response:
    """The lines behind or before an entry."""
    after, before = view.query.get("after"), view.query.get("before", "")
    # The record first: what a run that is over has logged is all there.
    run = await view.store.follow(runs.read(run_id))
    log = await _shown(view, run, after=after, before=before)
    return view.part("log.html", log=log)


@router.get("/runs/{run_id}/log.txt")
async def file(run_id: str, view: ViewNeeded) -> Response:
    """All lines, as they are printed by the terminal."""
    await view.store.follow(runs.read(run_id))
    return StreamingResponse(
        _texts(view.store, RunId(run_id)),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{run_id}.log"'},
    )


async def _texts(store: AsyncStore, run_id: RunId) -> AsyncIterator[str]:
    last = "-"
    while batches := await store.call(read_log(run_id, last)):
        last = batches[-1][0]
        yield "".join(_text(line) for _, lines in batches for line in lines)


def _text(line: LogLine) -> str:
    at = rfc3339(round(line.at * 1000))
    return f"{at} #{line.attempt} {line.level} {line.logger}: {line.text}\n"


async def _shown(view: View, run: Run, *, after: str | None, before: str) -> ShownLog:
    level, text, run_id = view.query.get("level", ""), view.query.get("q", ""), run.id
    wanted = WantedLines(level=level if level in LEVELS else None, text=text)
    if after is not None and _is_entry(after):
        page = await view.store.follow(log_after(run_id, after, LINES, wanted))
        at_end = not page.more
    else:
        page = await view.store.follow(
            log_before(run_id, before if _is_entry(before) else "", LINES, wanted)
        )
        at_end = not before
    query = urlencode({name: each for name, each in (("level", level), ("q", text)) if each})
    return ShownLog(
        page=page,
        level=level,
        text=text,
        over=run.is_final,
        at_end=at_end,
        at_begin=after is None and not page.more,
        address=f"/runs/{run_id}/log" + (f"?{query}" if query else ""),
    )


def _is_entry(text: str) -> bool:
    """Whether this can be the id of an entry of a stream."""
    at, _, number = text.partition("-")
    return all(each.isascii() and each.isdecimal() and len(each) < 20 for each in (at, number))
