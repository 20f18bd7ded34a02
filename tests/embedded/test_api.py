"""The API of a home: there at once, begun by its first visitor, gone with the guardian."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.embedded import ensure_server, page_of
from orchestrator.embedded.listening import listen, url_of
from tests.embedded.conftest import lives_in
from tests.embedded.living import FOREGROUND, Living
from tests.embedded.test_foreground import line_with
from tests.support import Server, eventually


def ask(page: str, path: str) -> Any:
    link = http.client.HTTPConnection(urlsplit(page).netloc, timeout=60)
    try:
        link.request("GET", path)
        return json.loads(link.getresponse().read())
    finally:
        link.close()


def page(living: Living) -> str:
    return eventually(lambda: page_of(living.settings), why="the guardian says where it is")


def test_it_begins_with_its_first_visitor_and_comes_back_when_it_dies(living: Living) -> None:
    ensure_server(living.settings)
    place = page(living)
    assert living.apis() == [], "nobody has looked yet"

    assert ask(place, "/api/v1/health")["server"] is True
    (first,) = living.apis()
    os.kill(first, SIGKILL)
    assert ask(place, "/api/v1/runs")["items"] == []
    assert living.apis() != [first]


def test_homes_take_ports_of_their_own(living: Living) -> None:
    taken = listen("127.0.0.1", living.settings.api_port)
    try:
        ensure_server(living.settings)
        assert page(living) != url_of(taken)
    finally:
        taken.close()


def test_a_guardian_without_an_api_still_guards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCHESTRATOR_REDIS_URL", raising=False)
    for living in lives_in(tmp_path / "home", tmp_path, api_host="0.0.0.0"):
        assert living.ensure().ping()
        assert page_of(living.settings) is None
        assert "without ORCHESTRATOR_API_KEY" in (living.home.logs / "guardian.log").read_text()


@pytest.fixture
def soon_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    monkeypatch.delenv("ORCHESTRATOR_REDIS_URL", raising=False)
    yield from lives_in(tmp_path / "home", tmp_path, server_idle_minutes=0.002)


def test_an_open_browser_is_a_client(soon_idle: Living) -> None:
    with soon_idle.ensure() as client:
        client.ping()  # keeps the server until the browser is there
        place = urlsplit(page(soon_idle))
        with socket.create_connection((place.hostname, place.port), timeout=60) as browser:
            browser.sendall(
                f"GET /api/v1/events/stream HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode()
            )
            assert browser.recv(4096).startswith(b"HTTP/1.1 200")
            looked = int(client.info("commandstats")["cmdstat_client|list"]["calls"])
            client.close()
            # Only the browser is left; the guardian looks again and again.
            eventually(lambda: _looks(soon_idle, client) > looked + 30, within=30, why="it stays")
    eventually(lambda: not soon_idle.everything(), within=30, why="it leaves when all are gone")


def _looks(living: Living, client: Any) -> int:
    assert living.servers(), "the server left although a browser is open"
    number = int(client.info("commandstats")["cmdstat_client|list"]["calls"])
    client.close()
    return number


def test_server_start_for_another_server_brings_scheduler_and_api(
    server: Server, living: Living
) -> None:
    started = living.start(FOREGROUND, ORCHESTRATOR_REDIS_URL=server.url)
    place = line_with(started, "pages at").split()[-1]

    eventually(lambda: ask(place, "/api/v1/health")["status"] == "ok", within=30, why="both work")
    started.terminate()
    assert started.wait() == 0
    assert living.everything() == []


def test_server_start_without_that_server_says_so(living: Living, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/nowhere"
    assert living.start(FOREGROUND, ORCHESTRATOR_REDIS_URL=nowhere).wait() == 3
