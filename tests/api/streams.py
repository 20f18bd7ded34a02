"""Reading server-sent events, one by one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.api.serving import Served


@dataclass(frozen=True)
class Message:
    """One event of a stream."""

    kind: str
    data: Any
    position: str


@contextmanager
def stream(api: Served, path: str, after: str = "") -> Iterator[Iterator[Message]]:
    """The messages of a stream, from the moment it has begun."""
    link = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    link.request("GET", path, headers={"Last-Event-ID": after} if after else {})
    answer = link.getresponse()
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (
        200,
        "text/event-stream",
    )
    try:
        yield _messages(answer)
    finally:
        link.close()


def _messages(answer: http.client.HTTPResponse) -> Iterator[Message]:
    fields: dict[str, str] = {}
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "data":
            fields["data"] = value
        elif name in ("id", "event"):
            fields[name] = value
        elif not name and fields:
            yield Message(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            fields = {}
