"""Events over HTTP: emitting, listing, reading on, and live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from orchestrator.api.backend import BackendNeeded
from orchestrator.api.documents import Document, answer, answer_list, shown
from orchestrator.api.given import EventGiven, Limit, Moment
from orchestrator.api.live import Live
from orchestrator.api.records import EventRecord, Listed
from orchestrator.api.streaming import STREAM, event_stream, message
from orchestrator.model.clock import to_ms
from orchestrator.model.event import Event, emitted
from orchestrator.operations import events
from orchestrator.store.events import WantedEvents

router = APIRouter(prefix="/events", tags=["events"])

Names = Annotated[list[str], Query(alias="event", description="Any of these; * is anything.")]
ResourceId = Annotated[str | None, Query(description="Only about this.")]


class Feed(BaseModel):
    """A piece of the feed, the oldest first, and the place behind it."""

    items: list[EventRecord]
    position: str


@router.get("", response_model=Listed[EventRecord])
async def list_events(
    backend: BackendNeeded,
    event: Names = [],  # noqa: B006
    resource_id: ResourceId = None,
    since: Moment = None,
    limit: Limit = 50,
    before: Annotated[str, Query(description="next of the page before.")] = "",
) -> Response:
    """Events, the newest first."""
    wanted = _wanted(event, resource_id, None if since is None else to_ms(since))
    found = await backend.store.follow(events.listed(limit, wanted, before))
    return answer_list(found, found[-1].position if len(found) == limit else None)


@router.post("", status_code=201, response_model=EventRecord)
async def emit_event(backend: BackendNeeded, given: EventGiven) -> Response:
    """Add an event to the feed, once per id; triggers may start runs for it."""
    made = emitted(
        given.event, given.resource, given.payload, given.related, given.occurred, given.id
    )
    return answer(await backend.store.follow(events.emit(made)), 201)


@router.get("/feed", response_model=Feed)
async def read_feed(
    backend: BackendNeeded,
    after: Annotated[str, Query(description="A position; 0 is the beginning.")] = "",
    limit: Limit = 500,
) -> Response:
    """Events behind a place, the oldest first; without a place only where the feed ends."""
    if not after:
        return Document({"items": [], "position": await backend.store.follow(events.end())})
    place = "" if after == "0" else after
    found = await backend.store.follow(events.after(place, limit))
    position = found[-1].position if found else place
    return Document({"items": list(map(shown, found)), "position": position})


@router.get("/stream", response_class=StreamingResponse, responses=STREAM)
async def stream_events(
    request: Request,
    event: Names = [],  # noqa: B006
    resource_id: ResourceId = None,
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Events as they happen, from now on or behind ``Last-Event-ID``; ``reset`` says that some
    in between are gone from the feed: look at everything anew."""
    place = events.checked_place("Last-Event-ID", last_event_id)
    live: Live = request.app.state.live
    # Asked before the answer begins: who has that misses nothing that happens from then on.
    heard = await live.events(place)
    return event_stream(_messages(heard, _wanted(event, resource_id)))


@router.get("/{event_id:path}", response_model=EventRecord)
async def read_event(backend: BackendNeeded, event_id: str) -> Response:
    """One event, as long as the feed has it."""
    return answer(await backend.store.follow(events.read(event_id)))


async def _messages(
    heard: AsyncIterator[Event | str | None], wanted: WantedEvents
) -> AsyncIterator[bytes]:
    yield b": listening\n\n"
    async for news in heard:
        if news is None:
            yield b": still here\n\n"
        elif isinstance(news, str):
            yield message("reset", None, news)
        elif wanted.takes(news):
            yield message("event", shown(news), news.position)


def _wanted(names: list[str], resource_id: str | None, since_ms: int | None = None) -> WantedEvents:
    return WantedEvents(names=names, resource_id=resource_id, since_ms=since_ms)
