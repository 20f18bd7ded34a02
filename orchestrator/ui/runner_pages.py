"""The serving processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from starlette.responses import Response

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.errors import Conflict
from orchestrator.model.explanation import SILENT_MS
from orchestrator.store.runners import read_runners
from orchestrator.ui import acting
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import ViewNeeded

router = pages()


@router.get("/runners")
async def runners(view: ViewNeeded) -> Response:
    """Every one that was heard of within the last hour, by host."""
    found = await view.store.follow(read_runners())
    by_host: dict[str, list[RunnerRecord]] = defaultdict(list)
    for each in sorted(found, key=lambda each: (each.host, -each.started_at)):
        by_host[each.host].append(each)
    return await view.page(
        "runners.html", hosts=by_host, mixed=mixed_versions(found), silent_ms=SILENT_MS
    )


@router.post("/runners/{runner}/drain")
async def drain(runner: str, view: ViewNeeded) -> Response:
    """Let it finish what it runs, and leave."""
    try:
        return view.done(await acting.drain_runner(view, runner), "/runners")
    except Conflict as refusal:
        return view.done(str(refusal), "/runners", good=False)


def mixed_versions(runners: Sequence[RunnerRecord]) -> dict[str, list[str]]:
    """Deployments that runners of different versions of this package serve at the same time."""
    versions: dict[str, set[str]] = defaultdict(set)
    for each in runners:
        for name in each.deployments:
            versions[name].add(each.version)
    return {name: sorted(found) for name, found in sorted(versions.items()) if len(found) > 1}
