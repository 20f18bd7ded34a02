"""Live: events and logs as they come, resumed where one stopped."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import redis

from orchestrator import Client
from orchestrator.api.live import Live
from orchestrator.model.event import Event
from orchestrator.store import keys
from orchestrator.store.connection import open_async_store
from tests.api.serving import Served, serving
from tests.api.streams import stream
from tests.cli.seeds import Seeds
from tests.support import Server, eventually

FEED = "/api/v1/events/stream"


def listeners(server: Server) -> int:
    with redis.Redis.from_url(server.url, decode_responses=True) as seen:
        ((_, number),) = seen.pubsub_numsub(keys.EVENTS_NEWS)
    return int(number)


def test_many_browsers_hear_over_one_connection(api: Served, server: Server) -> None:
    with Client(server.url) as client, stream(api, FEED) as one, stream(api, FEED) as two:
        eventually(lambda: listeners(server) == 1, why="the API listens")
        made = client.emit_event("order.paid", "order-1", {"sum": 3})

        for heard in (next(one), next(two)):
            assert (heard.kind, heard.position) == ("event", made.position)
            assert heard.data == made.to_json()
    eventually(lambda: listeners(server) == 0, why="nobody looks, so nobody listens")


def test_what_happens_once_a_stream_is_answered_is_heard(server: Server) -> None:
    async def heard_of(client: Client) -> tuple[str, object]:
        store = open_async_store(server.url)
        stream = await Live(store, threading.Event()).events("")
        made = client.emit_event("order.paid", "order-1")
        async with aclosing(stream):
            news = await anext(stream)
        await store.close()
        assert isinstance(news, Event)
        return made.position, news.position

    with Client(server.url) as client:
        made, heard = asyncio.run(heard_of(client))
    assert heard == made


def test_it_goes_on_where_it_stopped(api: Served, server: Server) -> None:
    with Client(server.url) as client:
        first, second, third = (client.emit_event("x.y", str(n)) for n in range(3))
        with stream(api, f"{FEED}?resource_id=2", after=first.position) as heard:
            assert next(heard).data["id"] == third.id
        with stream(api, FEED, after=first.position) as heard:
            assert [next(heard).data["id"], next(heard).data["id"]] == [second.id, third.id]


def test_who_was_away_for_too_long_is_told(api: Served, server: Server) -> None:
    with Client(server.url) as client:
        client.emit_event("x.y", "1")
        with stream(api, FEED, after="1-1") as heard:
            assert next(heard).kind == "reset"
            made = client.emit_event("x.y", "2")
            assert next(heard).data["id"] == made.id


def test_a_bad_place_is_refused(api: Served) -> None:
    assert api.get(FEED, headers={"Last-Event-ID": "x"}).code == "invalid_option"
    assert api.get("/api/v1/events/feed?after=x").code == "invalid_option"


def test_streams_end_with_the_api(server: Server) -> None:
    with ThreadPoolExecutor() as pool, serving(server.url) as api, stream(api, FEED) as heard:
        ended = pool.submit(list, heard)
        api.app.state.stopping.set()
        assert ended.result(timeout=60) == []


def test_a_log_comes_live_and_in_pages(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    seeds.log(claimed, "one", "two")
    path = f"/api/v1/runs/{claimed.run_id}/logs"

    page = api.get(path).document
    assert [line["text"] for line in page["items"]] == ["one", "two"]
    assert api.get(f"{path}?after={page['next']}").document == {"items": [], "next": None}
    assert api.get(f"{path}?level=error").document["items"] == []
    assert api.get(f"{path}?level=nonsense").code == "invalid_option"
    assert b" one\n" in api.get(f"{path}/text").body

    with stream(api, f"{path}/stream") as heard:
        run, lines = next(heard), next(heard)
        assert (run.kind, run.data["state"]) == ("run", "Running")
        assert [line["text"] for line in lines.data] == ["one", "two"]
        seeds.log(claimed, "three")
        assert [line["text"] for line in next(heard).data] == ["three"]
        seeds.finish(claimed)
        assert [each.kind for each in heard] == ["run", "end"]
    with stream(api, f"{path}/stream", after=lines.position) as heard:
        kinds = {each.kind: each.data for each in heard}
        assert [line["text"] for line in kinds["lines"]] == ["three"]


def test_waiting_for_the_end_of_a_run(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.waiting()
    path = f"/api/v1/runs/{run_id}"
    assert api.get(f"{path}?wait=0.01").document["state"] == "Scheduled"

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.get, f"{path}?wait=60")
        assert api.post(f"{path}/cancel").document["state"] == "Cancelled"
        assert waiting.result(timeout=60).document["state"] == "Cancelled"
