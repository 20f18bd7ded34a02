"""An API for tests: a real server in a thread, and raw requests to it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from orchestrator.api.app import Api, create_app
from orchestrator.embedded.listening import listen
from orchestrator.settings import load_settings
from tests.support import eventually


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        return str(self.document["code"])


@dataclass
class Served:
    """A running API."""

    app: Api
    port: int
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """One request, its path sent letter by letter. A body that is no bytes goes as JSON."""
        sent = {**self.headers, **(headers or {})}
        if key or self.key:
            sent.setdefault("Authorization", f"Bearer {key or self.key}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request(method, path, body, sent)
            reply = link.getresponse()
            named = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, named, reply.read())
        finally:
            link.close()

    def get(self, path: str, **given: Any) -> Answer:
        return self.ask("GET", path, **given)

    def post(self, path: str, body: Any = None, **given: Any) -> Answer:
        return self.ask("POST", path, body, **given)


@contextmanager
def serving(url: str, **settings: object) -> Iterator[Served]:
    """The API over the server at ``url``, until the block ends."""
    app = create_app(load_settings({}, Path("/"), redis_url=url, **settings))
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        eventually(lambda: server.started, within=30, why="the API has started")
        yield Served(app, listener.getsockname()[1])
    finally:
        app.state.stopping.set()
        server.should_exit = True
        thread.join()
        listener.close()
