"""Runners: registering with a deployment, leaving it, and what each says of itself."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from orchestrator.model.deployment import Deployment, RunnerRecord, ServedCode
from orchestrator.model.ids import DeploymentId, RunId, RunnerId, deployment_id
from orchestrator.model.run import Run
from orchestrator.model.states import CLAIMED
from orchestrator.store import keys
from orchestrator.store.requests import (
    Plan,
    Request,
    Word,
    as_is,
    as_word,
    command,
    for_deployment,
    in_turns,
    nothing,
)
from orchestrator.store.runs import read_run

MOST_SHOWN = 5
"""Runs that are shown with their runner."""

SHOWN_MS = 3_600_000
"""How long a runner that says nothing any more is still listed."""


def register_runner(
    d: DeploymentId, runner: RunnerId, info: str, pauses: bool = True
) -> Request[Word]:
    """Let the runner claim runs of ``d``: ``ok`` or ``gone``. Clears the noted shutdown pause.
    ``pauses``: whether its leaving as the last one pauses the deployment."""
    return for_deployment(
        d, "register_runner", as_word, runner=runner, info=info, pauses="1" if pauses else ""
    )


def leave_runner(d: DeploymentId, runner: RunnerId, pause: bool) -> Request[Word]:
    """``ok``, or ``last``: nobody else is registered and the deployment is to be paused, which the
    caller does (``pause_deployment``)."""
    return for_deployment(d, "leave_runner", as_word, runner=runner, pause="1" if pause else "")


def drop_runner(d: DeploymentId, runner: RunnerId, beat: int) -> Request[Word]:
    """Remove a runner whose beat stood still for a lease: ``ok``, ``last`` (as for leaving) or
    ``stale`` (it lives, or somebody else was first)."""
    return for_deployment(d, "drop_runner", as_word, runner=runner, beat=beat)


def drain_runner(runner: RunnerId, by: str) -> Plan[Word]:
    """Have the runner finish what it runs and leave: ``ok``, ``unchanged`` (it was told before) or
    ``gone`` (it is registered nowhere)."""
    (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    words = yield [
        for_deployment(DeploymentId(d), "drain_runner", as_word, runner=runner, by=by)
        for d in members
    ]
    return next((word for word in ("ok", "unchanged") if word in words), "gone")


def say_runner(record: RunnerRecord) -> Request[None]:
    """Let the runner be listed, for ``SHOWN_MS``."""
    text = json.dumps(asdict(record), ensure_ascii=False)
    return command(nothing, "SET", keys.runner(record.id), text, "PX", SHOWN_MS)


def read_runners() -> Plan[list[RunnerRecord]]:
    """The runners registered with any deployment that spoke within ``SHOWN_MS``, by name."""
    (members,) = yield [command(sorted, "SMEMBERS", keys.DEPLOYMENTS)]
    hashes = yield [command(set, "HKEYS", keys.runners(d)) for d in members]
    fields = {field for names in hashes for field in names}
    ids = sorted(field for field in fields if ":" not in field)
    records = yield [read_runner(each) for each in ids]
    # What a runner was told counts from then on, not from when it says that it heard it.
    told = [
        replace(each, draining=each.draining or f"{each.id}:drain" in fields)
        for each in records
        if each
    ]
    return sorted(told, key=lambda each: each.name)


@dataclass(frozen=True, slots=True)
class Held:
    """What one runner executes."""

    count: int
    runs: list[Run]
    """Those that were claimed or spoke last, ``MOST_SHOWN`` at most."""


def held_runs(runners: Iterable[RunnerRecord]) -> Plan[dict[str, Held]]:
    """What each of these executes, by its id; of each lease only the owner is read."""
    names = sorted({name for each in runners if each.running for name in each.deployments})
    leases: list[list[str]] = yield from in_turns(
        command(list, "ZREVRANGE", keys.leases(deployment_id(name)), 0, -1) for name in names
    )
    ids = [RunId(each) for found in leases for each in found]
    owners: list[str | None] = yield from in_turns(
        command(as_is, "HGET", keys.run(each), "runner") for each in ids
    )
    held: dict[str, list[RunId]] = defaultdict(list)
    for run_id, owner in zip(ids, owners, strict=True):
        held[owner or ""].append(run_id)
    shown = [run_id for found in held.values() for run_id in found[:MOST_SHOWN]]
    read: list[Run | None] = yield from in_turns(map(read_run, shown))
    runs = {run.id: run for run in read if run is not None and run.state in CLAIMED}
    return {
        owner: Held(len(found), [runs[each] for each in found[:MOST_SHOWN] if each in runs])
        for owner, found in held.items()
    }


def with_code(deployment: Deployment) -> Plan[Deployment]:
    """The deployment with what each of its runners executes, as far as they have said it."""
    if not deployment.runners:
        return deployment
    records = yield [read_runner(runner) for runner in deployment.runners]
    code = {
        each.id: each.code[deployment.name]
        for each in records
        if each and deployment.name in each.code
    }
    return replace(deployment, code=code)


def read_runner(runner: str) -> Request[RunnerRecord | None]:
    """What the runner last said of itself; None when that was longer ago than ``SHOWN_MS``."""
    return command(_record, "GET", keys.runner(runner))


def _record(text: str | None) -> RunnerRecord | None:
    if text is None:
        return None
    document = json.loads(text)
    # What a newer version says besides is passed over.
    fields = {name: document[name] for name in RunnerRecord.__slots__ if name in document}
    code = {name: ServedCode(**each) for name, each in document.get("code", {}).items()}
    deployments = tuple(document["deployments"])
    return RunnerRecord(**{**fields, "deployments": deployments, "code": code})
