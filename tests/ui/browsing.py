"""Pages as a browser without scripts sees them."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.api.serving import Answer, Served

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SCRIPT = {**FORM, "Accept": "application/json"}


def text_of(answer: Answer) -> str:
    return answer.body.decode()


def page(pages: Served, path: str, status: int = 200) -> str:
    """The page at a path."""
    answer = pages.get(path, headers={"Accept": "text/html"})
    assert answer.status == status, text_of(answer)
    return text_of(answer)


def send(pages: Served, path: str, cookie: str = "", **fields: str) -> Answer:
    """A form, sent as a browser does."""
    body = urlencode(fields).encode()
    return pages.post(path, body, headers={**FORM, "Origin": pages.url})


def act(pages: Served, path: str, **fields: str) -> tuple[bool, str]:
    """The same as our script does it: whether it was done, and what is said."""
    body = urlencode(fields).encode()
    document = pages.post(path, body, headers={**SCRIPT, "Origin": pages.url}).document
    return document["ok"], document["text"]
