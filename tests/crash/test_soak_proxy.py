"""The soak's proxy: what each of its troubles looks like to a client."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from soak.proxy import Proxies, Proxy, split_commands
from tests.support import Server, eventually


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    path = server.folder / "proxy"
    with Proxies() as proxies:
        yield proxies.open(server.socket, path)
    path.unlink(missing_ok=True)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    never = Retry(NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(proxy.path), socket_timeout=0.5, retry=never) as client:
        yield client


@pytest.fixture
def beside(server: Server) -> Iterator[redis.Redis]:
    """A client that does not go through the proxy."""
    with redis.Redis.from_url(server.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_keys_of_ours(beside: redis.Redis) -> Iterator[None]:
    yield
    beside.flushall()


def test_it_forwards(client: redis.Redis) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in range(2000):
        pipeline.set("key", "x" * number)
    assert pipeline.execute() == [True] * 2000


def test_a_cut_breaks_connections_until_it_is_mended(proxy: Proxy, client: redis.Redis) -> None:
    client.ping()
    proxy.cut()
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    proxy.mend()
    assert client.ping()


def test_a_black_hole_answers_nothing(
    proxy: Proxy, client: redis.Redis, beside: redis.Redis
) -> None:
    client.ping()
    proxy.swallow()
    with pytest.raises(redis.TimeoutError):
        client.set("key", "value")
    proxy.mend()
    assert client.ping()
    assert beside.get("key") is None


def test_a_delay_makes_answers_late(proxy: Proxy, client: redis.Redis) -> None:
    client.ping()
    proxy.delay(0.1)
    began = time.monotonic()
    assert client.ping()
    assert time.monotonic() - began >= 0.2


def test_a_lost_reply_is_of_a_command_that_was_executed(
    proxy: Proxy, client: redis.Redis, beside: redis.Redis
) -> None:
    proxy.lose_reply(b"marked")
    assert client.set("other", "value")
    with pytest.raises(redis.ConnectionError):
        client.set("marked", "value")
    assert proxy.lost == 1
    assert beside.get("marked") == b"value"
    assert client.set("marked", "again")


def test_the_nth_command_is_held_back(
    proxy: Proxy, client: redis.Redis, beside: redis.Redis
) -> None:
    hold = proxy.hold(b"INCR", number=3)

    def count() -> None:
        pipeline = client.pipeline(transaction=False)
        for _ in range(5):
            pipeline.incr("count")
        pipeline.execute()

    counting = threading.Thread(target=count)
    counting.start()
    assert hold.reached.wait(5)
    eventually(lambda: beside.get("count") == b"2", why="those before it came through")
    proxy.release(hold)
    counting.join(5)
    assert beside.get("count") == b"5"


def test_commands_are_split_wherever_the_pieces_end() -> None:
    text = b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$6\r\nab\r\ncd\r\nPING\r\n"
    whole = [text[:14], text[14:-6], b"PING\r\n"]
    assert split_commands(text) == (whole, b"")
    for end in range(len(text)):
        first, rest = split_commands(text[:end])
        second, left = split_commands(rest + text[end:])
        assert [*first, *second] == whole
        assert left == b""
