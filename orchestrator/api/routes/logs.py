"""Logs of runs: in pages, as a text, and live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from orchestrator.api.backend import Backend, BackendNeeded
from orchestrator.api.documents import Document, shown
from orchestrator.api.records import Listed, LogRecord
from orchestrator.api.streaming import STREAM, Pulse, event_stream, message
from orchestrator.model.clock import in_microseconds, rfc3339
from orchestrator.model.errors import InvalidOption, RunNotFound
from orchestrator.operations import runs
from orchestrator.settings import LEVELS
from orchestrator.store.logs import LogLine, is_position
from orchestrator.store.requests import Plan

router = APIRouter(prefix="/runs/{run_id}/logs", tags=["logs"])

BATCHES = 200
"""Batches read in one step."""

Level = Annotated[str, Query(description="This level and above.")]
Attempt = Annotated[int | None, Query(ge=1, description="Only lines of this attempt.")]
After = Annotated[str, Query(description="next of the page before.")]


@router.get("", response_model=Listed[LogRecord])
async def read_log(
    backend: BackendNeeded,
    run_id: str,
    after: After = "",
    level: Level = "",
    attempt: Attempt = None,
) -> Response:
    """Lines behind a place of the log. ``next`` is null when there are none yet: ask again with
    the same ``after``."""
    lines, following = await backend.store.follow(_page(run_id, _place(after)))
    wanted = _Wanted(level, attempt)
    items = [_shown(line) for line in lines if wanted.takes(line)]
    return Document({"items": items, "next": following})


@router.get("/text", response_class=PlainTextResponse)
async def download_log(
    backend: BackendNeeded, run_id: str, level: Level = "", attempt: Attempt = None
) -> Response:
    """The whole log as a text, to be kept."""
    wanted = _Wanted(level, attempt)
    await backend.store.follow(runs.read(run_id))
    headers = {"Content-Disposition": f'attachment; filename="{run_id}.log"'}
    return StreamingResponse(
        _text(backend, run_id, wanted), media_type="text/plain; charset=utf-8", headers=headers
    )


@router.get("/stream", response_class=StreamingResponse, responses=STREAM)
async def stream_log(
    request: Request,
    backend: BackendNeeded,
    run_id: str,
    after: After = "",
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Lines as they come (``lines``: a list of them), changes of the run (``run``: its record), and
    ``end``. Resumes behind ``Last-Event-ID``."""
    place = _place(last_event_id or after)
    await backend.store.follow(runs.read(run_id))
    return event_stream(_live(request, backend, run_id, place))


class _Wanted:
    """Which lines are shown. A level that we do not know is: somebody made it for a reason."""

    def __init__(self, level: str, attempt: int | None) -> None:
        if level and level.upper() not in LEVELS:
            raise InvalidOption("level", level, f"levels are {', '.join(LEVELS)}")
        self._least = LEVELS.index(level.upper()) if level else 0
        self._attempt = attempt

    def takes(self, line: LogLine) -> bool:
        known = line.level in LEVELS
        return self._attempt in (None, line.attempt) and (
            not known or LEVELS.index(line.level) >= self._least
        )


def _page(run_id: str, after: str) -> Plan[tuple[list[LogLine], str | None]]:
    batches = yield from runs.log_after(run_id, after, BATCHES)
    lines = [line for _, lines in batches for line in lines]
    return lines, batches[-1][0] if batches else None


def _place(text: str) -> str:
    if text and not is_position(text):
        raise InvalidOption("after", text, "is no place in a log: take next of a page")
    return text


def _shown(line: LogLine) -> dict[str, Any]:
    return {
        "at": in_microseconds(line.at),
        "level": line.level,
        "logger": line.logger,
        "text": line.text,
        "attempt": line.attempt,
    }


async def _text(backend: Backend, run_id: str, wanted: _Wanted) -> AsyncIterator[bytes]:
    after: str | None = ""
    while after is not None:
        lines, after = await backend.store.follow(_page(run_id, after))
        texts = [
            f"{rfc3339(round(line.at * 1000))} {line.level:<8} {line.text}\n"
            for line in lines
            if wanted.takes(line)
        ]
        yield "".join(texts).encode(errors="backslashreplace")


async def _live(
    request: Request, backend: Backend, run_id: str, place: str
) -> AsyncIterator[bytes]:
    pulse = Pulse(request)
    seen: dict[str, Any] | None = None
    while await pulse.beats():
        try:
            # The record first: lines that were written before its end are read after it.
            run = await backend.store.follow(runs.read(run_id))
            lines, following = await backend.store.follow(_page(run_id, place))
        except RunNotFound:
            yield message("end", None)
            return
        document = shown(run)
        if document != seen:
            seen = document
            yield message("run", document)
        if following is not None:
            place = following
            yield message("lines", [_shown(line) for line in lines], place)
        elif run.is_final:
            yield message("end", None)
            return
        else:
            yield pulse.comment()
