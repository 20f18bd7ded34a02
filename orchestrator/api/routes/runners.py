"""Runners over HTTP, and what the server tells of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from orchestrator.api.backend import BackendNeeded, CallerNeeded
from orchestrator.api.documents import Document, answer, answer_list
from orchestrator.api.records import Listed, RunnerRecord
from orchestrator.operations import auditing, runners

router = APIRouter(tags=["runners"])


class Finding(BaseModel):
    """One thing found out about the server."""

    level: Literal["refuse", "warn", "ok"]
    what: str
    remedy: str


class ServerRecord(BaseModel):
    """The server: what it says, what is to be said about it, whether a scheduler is alive."""

    facts: dict[str, str]
    findings: list[Finding]
    scheduler: bool


class MisfitRecord(BaseModel):
    """Something that the keys of a deployment should not say."""

    deployment: str
    run: str
    what: str


@router.get("/runners", response_model=Listed[RunnerRecord])
async def list_runners(backend: BackendNeeded) -> Response:
    """Every serving process that was heard of within the last hour."""
    return answer_list(await backend.store.follow(runners.listed()))


@router.post("/runners/{runner_id}/drain", response_model=RunnerRecord)
async def drain_runner(backend: BackendNeeded, caller: CallerNeeded, runner_id: str) -> Response:
    """Have it claim nothing more, finish what it runs, and end."""
    return answer(await backend.store.follow(runners.drain(runner_id, backend.acting(caller))))


@router.post("/hosts/{host}/drain", response_model=Listed[RunnerRecord])
async def drain_host(backend: BackendNeeded, caller: CallerNeeded, host: str) -> Response:
    """The same for every runner of a host."""
    plan = runners.drain_host(host, backend.acting(caller))
    return answer_list(await backend.store.follow(plan))


@router.get("/server", response_model=ServerRecord)
async def read_server(backend: BackendNeeded) -> Response:
    """What the server tells of itself, and what is wrong with it."""
    state = await backend.store.follow(runners.server_state())
    findings = [
        {"level": each.level, "what": each.what, "remedy": each.remedy} for each in state.findings
    ]
    return Document({"facts": state.facts, "findings": findings, "scheduler": state.is_led})


@router.get("/server/misfits", response_model=Listed[MisfitRecord])
async def audit_keys(backend: BackendNeeded) -> Response:
    """What in the keys does not fit. Nothing is changed."""
    return _misfits(await backend.store.follow(auditing.audit()))


@router.post("/server/repair", response_model=Listed[MisfitRecord])
async def repair_keys(backend: BackendNeeded, caller: CallerNeeded) -> Response:
    """The same, and each open run is led to once again afterwards."""
    return _misfits(await backend.store.follow(auditing.repair(backend.acting(caller))))


def _misfits(found: Sequence[auditing.Misfit]) -> Response:
    return Document({"items": [asdict(each) for each in found], "next": None})
