"""What can be done about runs. Every plan may raise RunNotFound."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.model.clock import to_ms
from orchestrator.model.errors import Conflict, RunIsFinal, RunIsOpen, RunNotFound
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import RunId, deployment_of
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.operations.acting import Acting
from orchestrator.store import runs
from orchestrator.store.children import cancel_family
from orchestrator.store.explaining import explain_run
from orchestrator.store.listing import Page, list_runs, page_of_runs
from orchestrator.store.logs import LogLine, read_log
from orchestrator.store.requests import Plan, Request
from orchestrator.store.submission import find_deployment, retry_run
from orchestrator.store.wanted import Wanted

LogBatch = tuple[str, list[LogLine]]
"""Lines that were stored in one step, and their place in the log."""


def read(run_id: str) -> Plan[Run]:
    """The record of a run."""
    deployment_of(run_id)
    (found,) = yield [runs.read_run(RunId(run_id))]
    if found is None:
        raise RunNotFound(run_id)
    assert isinstance(found, Run)
    return found


def listed(limit: int, wanted: Wanted) -> Plan[list[Run]]:
    """The newest of those wanted."""
    return (yield from list_runs(limit, (yield from _exact(wanted))))


def page(limit: int, wanted: Wanted, before: str = "") -> Plan[Page[Run]]:
    """A page of those wanted, the newest first."""
    return (yield from page_of_runs(limit, (yield from _exact(wanted)), before))


def wanted_runs(
    deployment: str | None = None,
    state: State | str | Collection[State | str] = (),
    tags: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    parent: str | None = None,
) -> Wanted:
    """Which runs, as people say it. The deployment may be given by its id, too."""
    return Wanted(
        deployment=deployment,
        states=(state,) if isinstance(state, str) else state,
        tags=tags,
        since_ms=None if since is None else to_ms(since),
        until_ms=None if until is None else to_ms(until),
        text=text,
        parent=None if parent is None else RunId(parent),
    )


def cancel(run_id: str, acting: Acting) -> Plan[Run]:
    """Stop a run in any state, and what it has asked for; RunIsFinal when it had ended before."""
    deployment_of(run_id)
    word = yield from cancel_family(RunId(run_id), acting.by, acting.retention_ms)
    run = yield from read(run_id)
    if word == "already":
        raise RunIsFinal(run_id, run.state)
    return run


def pause(run_id: str, acting: Acting) -> Plan[Run]:
    """Stop the processes of a running run; Conflict when it does not run."""
    request = runs.pause_run(RunId(run_id), acting.by)
    return (yield from _pausing(run_id, request, "only a running one can be paused"))


def resume(run_id: str, acting: Acting) -> Plan[Run]:
    """Let a paused run go on; Conflict when nobody has paused it."""
    request = runs.resume_run(RunId(run_id), acting.by)
    return (yield from _pausing(run_id, request, "nobody has paused it"))


def retry(
    run_id: str,
    parameters: Mapping[str, Any] | None = None,
    key: str | None = None,
    *,
    same_code: bool = False,
) -> Plan[Run]:
    """A new run that does an ended one again."""
    run = yield from read(run_id)
    return (yield from retry_run(run, parameters, idempotency_key=key, same_code=same_code))


def delete(run_id: str) -> Plan[Run]:
    """Forget an ended run and its log; the record as it was. Conflict when it has not ended."""
    run = yield from read(run_id)
    (word,) = yield [runs.delete_run(run.id)]
    if word == "gone":
        raise RunNotFound(run_id)
    if word == "open":
        raise RunIsOpen(run_id, run.state)
    return run


def explained(run_id: str) -> Plan[Explanation]:
    """Why the run is where it is."""
    found = yield from explain_run(RunId(run_id))
    if found is None:
        raise RunNotFound(run_id)
    return found


def log_after(run_id: str, position: str = "", batches: int = 200) -> Plan[list[LogBatch]]:
    """What was logged behind a place of the log; "" is its beginning."""
    yield from read(run_id)
    (found,) = yield [read_log(RunId(run_id), position or "-", batches)]
    return list(found)


def _exact(wanted: Wanted) -> Plan[Wanted]:
    """The same with the deployment's full name; DeploymentNotFound when there is none, RunNotFound
    when there is no such parent."""
    if wanted.parent is not None:
        yield from read(wanted.parent)
    if wanted.deployment is None:
        return wanted
    deployment = yield from find_deployment(wanted.deployment)
    return replace(wanted, deployment=deployment.name)


def _changed(run_id: str, request: Request[str]) -> Plan[tuple[str, Run]]:
    """What the script answered, and the record after it."""
    (word,) = yield [request]
    if word == "gone":
        raise RunNotFound(run_id)
    return str(word), (yield from read(run_id))


def _pausing(run_id: str, request: Request[str], why_not: str) -> Plan[Run]:
    word, run = yield from _changed(run_id, request)
    if word == "not_running":
        if run.is_final:
            raise RunIsFinal(run_id, run.state)
        raise Conflict(f"run {run_id} is {run.state}: {why_not}")
    return run
