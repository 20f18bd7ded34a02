"""URLs, the two callers, and what broken connections mean."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from orchestrator.model.errors import InvalidOption, ServerRefused, ServerUnavailable
from orchestrator.store import attention, keys, listening
from orchestrator.store.caller import Store
from orchestrator.store.connection import mask, open_async_store, open_store
from orchestrator.store.requests import Plan, Request, as_is, command
from soak.proxy import Proxies, Proxy
from tests.store.scene import D
from tests.support import Server, eventually
from tests.support.keyspace import Client


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://host:1/0", "redis://host:1/0"),
        ("redis://me:secret@host", "redis://me:***@host"),
        ("redis://:se@cr/et@host", "redis://:***@host"),
        ("unix:///tmp/s?password=secret&db=1", "unix:///tmp/s?password=***&db=1"),
    ],
)
def test_urls_show_no_password(url: str, masked: str) -> None:
    assert mask(url) == masked


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "host:6379",
        "redis://:secret/secret@host",
        "redis://:secret@host?db=secret",
        "redis://:secret@host?colour=secret",
        "unix://?db=1",
    ],
)
def test_urls_that_cannot_be_used_are_refused(url: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        open_store(url)
    assert "secret@" not in str(caught.value)
    assert ":secret" not in str(caught.value)


def test_a_server_that_is_not_there(own_server: Server) -> None:
    own_server.kill()
    with pytest.raises(ServerUnavailable) as caught:
        open_store(own_server.url).call(command(as_is, "PING"))
    assert caught.value.url == own_server.url
    with pytest.raises(ServerUnavailable):
        open_store(own_server.url).listen("channel")


def test_a_wrong_password(own_server: Server) -> None:
    store = open_store(own_server.url)
    store.call(command(as_is, "CONFIG", "SET", "requirepass", "secret"))

    wrong = f"unix://:wrong@{own_server.socket}"
    for url in (own_server.url, wrong):
        with pytest.raises(ServerRefused) as caught:
            open_store(url).call(command(as_is, "PING"))
        assert ":wrong" not in str(caught.value)
    right = open_store(f"unix://:secret@{own_server.socket}")
    assert right.call(command(as_is, "PING")) == "PONG"


def test_a_server_that_came_back_is_used_at_once(own_server: Server) -> None:
    store = open_store(own_server.url)
    store.call(attention.lower_attention(D, 5))
    own_server.kill()
    own_server.start()

    assert store.call(attention.next_attention()) is None


def test_a_full_server_refuses_what_begins_and_takes_what_ends(store: Store) -> None:
    store.call(command(as_is, "CONFIG", "SET", "maxmemory", "1"))
    try:
        with pytest.raises(ServerUnavailable, match="memory"):
            store.call(command(as_is, "SET", "a", "1"))
        assert store.call(attention.lead("a", 1000))
    finally:
        store.call(command(as_is, "CONFIG", "SET", "maxmemory", "0"))


def test_forgotten_scripts_are_loaded_again(store: Store, client: Client) -> None:
    client.script_flush()
    both: list[Request[Any]] = [
        attention.lower_attention(D, 7),
        attention.next_attention(),
        attention.lead("a", 1000),
    ]
    assert store.call_all(both)[2] is True
    assert store.call(attention.next_attention()) == 7
    client.script_flush()
    assert store.call_all([attention.next_attention(), *both])[0] == 7


def test_the_first_error_of_a_pipeline_is_raised(store: Store) -> None:
    requests = [command(as_is, "SET", "a", "1"), command(as_is, "HGET", "a", "b")]
    with pytest.raises(Exception, match="WRONGTYPE"):
        store.call_all(requests)
    assert store.call(command(as_is, "GET", "a")) == "1"
    store.call(command(as_is, "DEL", "a"))
    assert store.call_all([]) == []


def test_a_subscription_ends_with_its_connection(own_server: Server) -> None:
    heard = open_store(own_server.url).listen("channel")
    own_server.kill()
    with pytest.raises(ServerUnavailable):
        heard.wait(5)
    heard.close()


def test_calls_of_many_tasks_share_a_connection(every_server: Server, client: Client) -> None:
    async def ask() -> list[object]:
        store = open_async_store(every_server.url)
        calls = [store.call(command(int, "INCR", "count")) for _ in range(100)]
        answers: list[object] = list(await asyncio.gather(*calls))
        cancelled = asyncio.create_task(store.call(command(int, "INCR", "count")))
        await asyncio.sleep(0)
        cancelled.cancel()
        answers.append(await store.call(command(as_is, "PING")))
        await store.call(attention.lower_attention(D, 3))
        answers.append(await store.follow(_plan()))
        await store.close()
        return answers

    before = client.info("stats")["total_connections_received"]
    client.delete("count")
    answers = asyncio.run(ask())
    assert answers == [*range(1, 101), "PONG", (3, True)]
    assert client.info("stats")["total_connections_received"] == before + 1
    client.delete("count")


def _plan() -> Plan[tuple[int, bool]]:
    (first,) = yield [attention.next_attention()]
    second, _ = yield [attention.lead("a", 1000), attention.next_attention()]
    return first, second


def test_async_calls_say_when_the_server_is_away(own_server: Server) -> None:
    async def ask() -> object:
        store = open_async_store(own_server.url)
        await store.call(command(as_is, "PING"))
        own_server.kill()
        for _ in range(2):
            with pytest.raises(ServerUnavailable):
                await store.call(command(as_is, "PING"))
        own_server.start()
        answer = await store.call(command(as_is, "PING"))
        await store.close()
        return answer

    assert asyncio.run(ask()) == "PONG"


def test_async_listeners_hear_again_after_an_outage(own_server: Server) -> None:
    async def hear() -> list[tuple[str, str]]:
        store = open_async_store(own_server.url)
        messages = store.listen(keys.control(D))
        heard = [await anext(messages)]
        publish(own_server)
        heard.append(await anext(messages))
        own_server.kill()
        own_server.start()
        heard.append(await anext(messages))
        publish(own_server)
        heard.append(await anext(messages))
        await store.close()
        return heard

    connected, message = ("", "connected"), (keys.control(D), "queue")
    assert asyncio.run(hear()) == [connected, message, connected, message]


def publish(server: Server) -> None:
    store = open_store(server.url)
    words = ("PUBLISH", keys.control(D), "queue")
    assert eventually(lambda: store.call(command(int, *words)), why="somebody listens") == 1
    store.close()


def test_whatever_goes_wrong_is_met_by_who_asked(server: Server) -> None:
    """Also what nobody has foreseen: an answer that does not come is not waited for."""

    async def ask() -> None:
        store = open_async_store(server.url)
        try:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(store._link, "read_response", lambda **_: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    await store.call(command(as_is, "PING"))
            assert await store.call(command(as_is, "PING")) == "PONG"
        finally:
            await store.close()

    asyncio.run(ask())


def test_silence_is_looked_into_and_a_dead_connection_replaced(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hears that a machine in between has forgotten a connection (F26)."""
    monkeypatch.setattr(listening, "SILENCE_SECONDS", 0.05)

    async def hear(proxy: Proxy) -> None:
        store = open_async_store(proxy.url)
        messages = store.listen("channel")
        assert await anext(messages) == ("", "connected")
        proxy.swallow()
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.to_thread(eventually, lambda: proxy.has_swallowed, why="it was asked")
        proxy.mend()
        assert await waiting == ("", "connected")
        await messages.aclose()
        await store.close()

    with Proxies() as proxies:
        asyncio.run(hear(proxies.open(server.socket, server.folder / "silence")))


@pytest.mark.parametrize("turns", range(16))
def test_who_is_cancelled_while_it_connects_hears_no_longer(server: Server, turns: int) -> None:
    """What redis-py times itself loses a cancel at some of these points, with Python 3.11; somebody
    would listen for ever."""

    async def hear_for_a_moment() -> None:
        store = open_async_store(server.url)

        async def hear() -> None:
            async with aclosing(store.listen("channel")) as messages:
                async for _ in messages:
                    pass

        hearing = asyncio.create_task(hear())
        for _ in range(turns):
            await asyncio.sleep(0)
        hearing.cancel()
        done, _ = await asyncio.wait({hearing}, timeout=10)
        assert done == {hearing}
        assert hearing.cancelled()
        await store.close()

    asyncio.run(hear_for_a_moment())
