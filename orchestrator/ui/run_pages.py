"""The list of runs, and the page of one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from orchestrator.model.ids import RunId, deployment_of
from orchestrator.model.run import Run
from orchestrator.model.states import CLAIMED, LATE, State
from orchestrator.operations import runs as operations
from orchestrator.store.caller import AsyncStore
from orchestrator.store.glances import Glance, read_glance
from orchestrator.store.listing import page_of_runs
from orchestrator.store.wanted import Wanted
from orchestrator.ui.routing import pages
from orchestrator.ui.run_logs import first_page
from orchestrator.ui.viewing import ViewNeeded

router = pages()

ROWS = 50
CHILDREN = 20
SPANS = {"1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000}
"""How far back a list looks, as its filter says it."""

GROUPS: dict[str, frozenset[State]] = {
    "running": CLAIMED,
    "failed": frozenset({State.FAILED, State.TIMED_OUT, State.CRASHED}),
    "waiting": frozenset({State.SCHEDULED, State.AWAITING_RETRY, State.AWAITING_CONCURRENCY_SLOT}),
}
"""Several states that people look for together."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the list says."""

    state: str = ""
    deployment: str = ""
    tag: str = ""
    since: str = ""
    q: str = ""
    parent: str = ""

    def wanted(self, now_ms: int) -> Wanted:
        """The same for the store."""
        return Wanted(
            deployment=self.deployment or None,
            states=GROUPS.get(self.state, {self.state} if self.state else ()),
            tags=[self.tag] if self.tag else [],
            since_ms=now_ms - SPANS[self.since] if self.since in SPANS else None,
            text=self.q,
            parent=RunId(self.parent) if self.parent else None,
        )

    def address(self, **changes: str) -> str:
        """The address of the list with these filters."""
        given = {**{name: getattr(self, name) for name in self.__slots__}, **changes}
        query = urlencode({name: text for name, text in given.items() if text})
        return f"/runs?{query}" if query else "/runs"


@router.get("/runs")
async def runs(view: ViewNeeded) -> Response:
    """The runs, the newest first."""
    filters = Filters(**{name: view.query.get(name, "").strip() for name in Filters.__slots__})
    before = view.query.get("before", "")
    if filters.parent:
        deployment_of(filters.parent)
    page = await view.store.follow(page_of_runs(ROWS, filters.wanted(view.now_ms), before))
    return await view.page(
        "runs.html",
        found=page,
        filters=filters,
        before=before,
        here=filters.address(before=before),
        late=LATE,
    )


@router.get("/runs/{run_id}")
async def run(run_id: str, view: ViewNeeded) -> Response:
    """Everything about one run."""
    found = await view.store.follow(operations.read(run_id))
    why, log, kin = await asyncio.gather(
        view.store.follow(operations.explained(run_id)),
        first_page(view, found),
        _kin(view.store, found),
    )
    return await view.page("run.html", run=found, why=why, log=log, kin=kin)


@dataclass(frozen=True, slots=True)
class Kin:
    """The run that asked for this one, and those that it asked for, as far as they are kept."""

    parent: Glance | None
    children: list[Run]


async def _kin(store: AsyncStore, run: Run) -> Kin:
    parent = await store.call(read_glance(run.parent)) if run.parent else None
    if not run.children:
        return Kin(parent, [])
    page = await store.follow(page_of_runs(CHILDREN, Wanted(parent=run.id)))
    return Kin(parent, page.items)
