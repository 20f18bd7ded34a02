"""The serving processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from starlette.responses import Response

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.errors import Conflict
from orchestrator.model.facts import SILENT_MS
from orchestrator.store.runners import held_runs, read_runners
from orchestrator.ui import acting
from orchestrator.ui.routing import pages
from orchestrator.ui.viewing import ViewNeeded

router = pages()


@router.get("/runners")
async def runners(view: ViewNeeded) -> Response:
    """Every one that was heard of within the last hour, by host."""
    found = await view.store.follow(read_runners())
    held = await view.store.follow(held_runs(found))
    by_host: dict[str, list[RunnerRecord]] = defaultdict(list)
    for each in sorted(found, key=lambda each: (each.host, -each.started_at)):
        by_host[each.host].append(each)
    return await view.page(
        "runners.html",
        hosts=by_host,
        held=held,
        mixed=mixed_versions(found),
        mixed_code=mixed_code(found),
        silent_ms=SILENT_MS,
    )


@router.post("/runners/{runner}/drain")
async def drain(runner: str, view: ViewNeeded) -> Response:
    """Let it finish what it runs, and leave."""
    try:
        return view.done(await acting.drain_runner(view, runner), "/runners")
    except Conflict as refusal:
        return view.done(str(refusal), "/runners", good=False)


def mixed_code(runners: Sequence[RunnerRecord]) -> dict[str, list[str]]:
    """Deployments of which runners have different code loaded at the same time, and which code."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for each in runners:
        for name, code in each.code.items():
            if code.content_hash:
                shown = f"commit {code.commit[:12]}" if code.commit else code.content_hash[:12]
                found[name][code.content_hash] = f"{shown} on {each.host}"
    return {name: sorted(codes.values()) for name, codes in sorted(found.items()) if len(codes) > 1}


def mixed_versions(runners: Sequence[RunnerRecord]) -> dict[str, list[str]]:
    """Deployments that runners of different versions of this package serve at the same time."""
    versions: dict[str, set[str]] = defaultdict(set)
    for each in runners:
        for name in each.deployments:
            versions[name].add(each.version)
    return {name: sorted(found) for name, found in sorted(versions.items()) if len(found) > 1}
