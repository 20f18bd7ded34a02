"""HEAD is answered as GET is, without a body."""

from __future__ import annotations

import http.client

import pytest

from tests.api.serving import Served
from tests.api.test_streams import FEED, listeners
from tests.cli.seeds import Seeds
from tests.support import Server, eventually

SAME = ("content-type", "content-length", "location", "allow")


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/api/v1/health", "/api/v1/runs", "/api/v1/openapi.json", "/nope",
             "/api/v1/runs/none", "/api/assets/page.css", "/login"]
)  # fmt: skip
def test_the_same_without_a_body(api: Served, seeds: Seeds, path: str) -> None:
    seeds.deployment()
    get, head = api.get(path), api.ask("HEAD", path)

    assert (head.status, head.body) == (get.status, b"")
    assert [head.headers.get(name) for name in SAME] == [get.headers.get(name) for name in SAME]


def test_what_is_not_read_is_not_asked_for_its_head(api: Served) -> None:
    assert api.ask("HEAD", "/api/v1/runs/x/cancel").status == 405


def test_a_stream_is_not_waited_for(api: Served) -> None:
    link = http.client.HTTPConnection("127.0.0.1", api.port, timeout=30)
    link.request("HEAD", FEED)
    head = link.getresponse()
    assert (head.status, head.read()) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")

    link.request("GET", "/api/v1/health")  # the same connection answers what comes next
    assert link.getresponse().status == 200
    link.close()


def test_streams_that_were_left_at_once_are_not_listened_for(api: Served, server: Server) -> None:
    for _ in range(20):
        assert api.ask("HEAD", FEED).status == 200
    eventually(lambda: listeners(server) == 0, why="nobody looks, so nobody listens")
