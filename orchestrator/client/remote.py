"""The client's way through the API: HTTP, with a key."""

from __future__ import annotations

import http.client
import json
import select
import time
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from orchestrator.client.problems import error_of
from orchestrator.client.transport import Call, Ears, fits_a_path
from orchestrator.model.errors import (
    DeploymentNotFound,
    InvalidOption,
    ServerRefused,
    ServerUnavailable,
)
from orchestrator.store.requests import Plan
from orchestrator.store.submission import id_of

T = TypeVar("T")

PREFIX = "/api/v1"
ANSWER_SECONDS = 30.0
LONGEST_WAIT = 20.0
"""Seconds for which one request waits for the end of a run; then comes the next."""

_REFUSED = {401, 403, 421, 429}
"""Statuses that speak of who asks, not of what was asked."""


class Remote:
    """An API, for one thread."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise InvalidOption("url", url, "must look like http://host:4300; the key goes apart")
        self.url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/") + PREFIX
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._link = kind(parts.hostname, parts.port, timeout=ANSWER_SECONDS)

    def do(self, plan: Plan[T], call: Call[T]) -> T:
        plan.close()
        return self.ask(call)

    def ask(self, call: Call[T]) -> T:
        """What the API answers.

        Raises:
            OrchestratorError: the error that the API tells of, as if it were raised here.
        """
        path = call.path
        if call.deployment is not None:
            path = path.replace("{deployment}", self._path_of(call.deployment))
        if call.name is not None:
            self._check_name(call)
            path = path.replace("{name}", quote(call.name, safe=""))
        given = {name: value for name, value in call.query.items() if value is not None}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        body = None if call.body is None else json.dumps(call.body(), allow_nan=False).encode()
        headers = {**self._headers, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if call.key is not None:
            headers["Idempotency-Key"] = quote(call.key, safe=" !#$&'()*+,/:;=?@[]")
        return call.read(self._exchange(call.method, f"{self._prefix}{path}{query}", body, headers))

    def hear_end(self, run_id: str) -> Ears:
        return _EndOfRun(self, run_id)

    def hear_feed(self) -> Ears:
        return _Patience()

    def close(self) -> None:
        self._link.close()

    def _path_of(self, deployment: str) -> str:
        """``flow/deployment``, for a path; one given by its id is asked for its name."""
        d = id_of(deployment)
        if "/" not in deployment:
            call = Call(
                read=lambda document: document["name"], method="GET", path=f"/deployments/{d}"
            )
            deployment = str(self.ask(call))
        flow, _, name = deployment.partition("/")
        if not (fits_a_path(flow) and fits_a_path(name)):
            raise DeploymentNotFound(deployment)
        return f"{quote(flow, safe='')}/{quote(name, safe='')}"

    def _check_name(self, call: Call[Any]) -> None:
        """Raises the call's own error for a name that no path can hold: nothing is called that."""
        assert call.name is not None
        assert call.unknown is not None, "who names something says what it is when there is none"
        if fits_a_path(call.name):
            return
        document = None
        if call.deployment is not None:
            path = f"/deployments/{self._path_of(call.deployment)}"
            document = self.ask(Call(read=dict, method="GET", path=path))
        raise call.unknown(document)

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        try:
            self._forget_stale()
            self._link.request(method, path, body, headers)
            answer = self._link.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._link.close()
            raise ServerUnavailable(self.url, str(error) or type(error).__name__) from error
        return self._document(answer.status, text)

    def _document(self, status: int, text: bytes) -> Any:
        try:
            document = json.loads(text) if text else None
        except ValueError:
            raise ServerUnavailable(self.url, f"no API: it answers {status} without JSON") from None
        if status < 400:
            return document
        if not isinstance(document, dict) or "code" not in document:
            raise ServerUnavailable(self.url, f"no API of ours: it answers {status}")
        if status in _REFUSED:
            raise ServerRefused(self.url, document["detail"], document["remedy"])
        raise error_of(document)

    def _forget_stale(self) -> None:
        """A connection that the API has closed meanwhile is made anew: nothing was sent on it, so
        nothing can happen twice."""
        if self._link.sock is not None and select.select([self._link.sock], [], [], 0)[0]:
            self._link.close()


class _EndOfRun:
    """Asks for the run with patience: the API answers at its end."""

    def __init__(self, remote: Remote, run_id: str) -> None:
        self._remote, self._id = remote, run_id

    def wait(self, seconds: float) -> None:
        query = {"wait": f"{min(seconds, LONGEST_WAIT):.3f}"}
        path = f"/runs/{self._id}"
        self._remote.ask(Call(read=bool, method="GET", path=path, query=query))

    def close(self) -> None:
        """The connection is the client's own."""


class _Patience:
    """Nothing is heard: one looks again."""

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        """There is nothing to close."""
