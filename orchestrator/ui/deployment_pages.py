"""The list of deployments, and the page of one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from orchestrator.model.clock import from_ms
from orchestrator.model.deployment import Deployment, RunnerRecord
from orchestrator.model.ids import deployment_id
from orchestrator.model.preview import Upcoming, preview
from orchestrator.store.deployment_listing import Summary, list_summaries, served
from orchestrator.store.deployments import read_deployment
from orchestrator.store.glances import newest_of
from orchestrator.store.listing import page_of_runs
from orchestrator.store.requests import Plan
from orchestrator.store.runners import read_runner
from orchestrator.store.submission import find_deployment
from orchestrator.store.versions import read_versions
from orchestrator.store.wanted import Wanted
from orchestrator.ui.charts import durations
from orchestrator.ui.routing import pages
from orchestrator.ui.runner_pages import mixed_code, mixed_versions
from orchestrator.ui.viewing import ViewNeeded

router = pages()

ROWS = 50
SMALL, LARGE = 12, 60
"""Runs in the bars of the list, and in the chart of a page."""

UPCOMING = 10
VERSIONS = 5
"""Of a deployment that its page shows; a page of their own has all."""


@dataclass(frozen=True, slots=True)
class Due:
    """An instant at which a schedule makes a run."""

    slug: str
    at: Upcoming


@router.get("/deployments")
async def deployments(view: ViewNeeded) -> Response:
    """Those that fit the search, by name."""
    query = {name: view.query.get(name, "").strip() for name in ("q", "tag", "status")}
    every = await view.store.follow(list_summaries())
    fitting = [each for each in every if _fits(each, **query)]
    if query["status"] == UNSERVED:
        known = await view.store.follow(served([each.id for each in fitting]))
        fitting = [each for each in fitting if each.id not in known]
    behind = view.query.get("after", "")
    shown = [each for each in fitting if each.name > behind][: ROWS + 1]
    older = shown[ROWS - 1].name if len(shown) > ROWS else None
    ids = [each.id for each in shown[:ROWS]]
    newest, whole = await asyncio.gather(
        view.store.follow(newest_of(ids, SMALL)),
        asyncio.gather(*(view.store.follow(read_deployment(d)) for d in ids)),
    )
    rows = [
        (each, durations(runs, view.now_ms, SMALL))
        for each, runs in zip(whole, newest, strict=True)
        if each
    ]
    return await view.page(
        "deployments.html",
        200,
        rows=rows,
        chosen=query,
        tags=_tags(every),
        count=len(fitting),
        total=len(every),
        behind=behind,
        first=_address(**query),
        older=_address(**query, after=older) if older else None,
    )


@router.get("/deployments/{flow}/{own}")
async def deployment(flow: str, own: str, view: ViewNeeded) -> Response:
    """Everything about one deployment."""
    name = f"{flow}/{own}"
    found, ((newest,), page) = await asyncio.gather(
        view.store.follow(find_deployment(name)),
        asyncio.gather(
            view.store.follow(newest_of([deployment_id(name)], LARGE)),
            view.store.follow(page_of_runs(10, Wanted(deployment=name))),
        ),
    )
    serving, versions = await asyncio.gather(
        view.store.follow(_serving(found)),
        view.store.call(read_versions(found.id, VERSIONS + 1)),
    )
    return await view.page(
        "deployment.html",
        deployment=found,
        bars=durations(newest, view.now_ms, LARGE),
        counts=Counter(run.shown_state(view.now_ms) for run in newest),
        runs=page.items,
        due=upcoming(found, view.now_ms),
        serving=serving,
        mixed=mixed_versions(serving).get(name),
        mixed_code=mixed_code(serving).get(name),
        versions=versions[:VERSIONS],
        more_versions=len(versions) > VERSIONS,
    )


@router.get("/deployments/{flow}/{own}/versions")
async def versions(flow: str, own: str, view: ViewNeeded) -> Response:
    """All that is kept of what was served under its name."""
    found = await view.store.follow(find_deployment(f"{flow}/{own}"))
    kept = await view.store.call(read_versions(found.id))
    return await view.page("versions.html", deployment=found, versions=kept)


def upcoming(deployment: Deployment, now_ms: int) -> list[Due]:
    """The next instants of all its active schedules together."""
    if deployment.paused:
        return []
    found = [
        Due(schedule.definition.slug, each)
        for schedule in deployment.schedules
        if schedule.definition.active
        for each in preview(schedule.definition, UPCOMING, from_ms(now_ms))
    ]
    return sorted(found, key=lambda due: due.at.at)[:UPCOMING]


def _serving(deployment: Deployment) -> Plan[list[RunnerRecord]]:
    records = yield [read_runner(each) for each in deployment.runners]
    return [each for each in records if each]


UNSERVED = "unserved"


def _fits(each: Summary, q: str, tag: str, status: str) -> bool:
    kinds = {"active": not each.paused and not each.held, "paused": each.paused, "held": each.held}
    return (
        q.lower() in each.name.lower() and (not tag or tag in each.tags) and kinds.get(status, True)
    )


def _tags(every: Sequence[Summary]) -> list[str]:
    """The tags that most deployments have, in the order of the alphabet."""
    counted = Counter(tag for each in every for tag in each.tags)
    return sorted(tag for tag, _ in counted.most_common(40))


def _address(**query: str) -> str:
    given = urlencode({name: text for name, text in query.items() if text})
    return f"/deployments?{given}" if given else "/deployments"
