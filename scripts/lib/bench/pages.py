"""How long pages take on a large data set: 1,000 deployments, a million finished runs."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from bench.figures import Figure, quantile
from bench.filling import finished_runs
from bench.machine import until
from bench.place import fresh_place
from orchestrator.api.app import create_app
from orchestrator.embedded.listening import listen
from orchestrator.model.deployment import DeploymentDefinition, ScheduleDefinition
from orchestrator.settings import load_settings
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.requests import Request

TIMES = 40
AT_ONCE = 2


def measure(deployments: int, runs: int) -> list[Figure]:
    """The first byte to the last of each page, one after the other, p95."""
    with fresh_place() as place, closing(open_store(place.url)) as store:
        _fill(store, deployments, runs // deployments)
        name = f"flow-{deployments // 2:04}/bench"
        newest = place.client.runs(1, name)[0].id
        with _served(place.url) as url:
            return [
                Figure(f"{path}, p95", 1000 * _p95(url, path), "ms")
                for path in (
                    *("/", "/?window=24h", "/runs", "/runs?state=failed", "/runs?tag=none"),
                    *(f"/runs?deployment={name}", "/deployments", "/deployments?q=flow-09"),
                    *(f"/deployments/{name}", f"/runs/{newest}", "/runners", "/events"),
                )
            ]


def _fill(store: Store, deployments: int, runs: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    for first in range(0, deployments, AT_ONCE):
        if first % 100 == 0:
            sys.stderr.write(f"filled {first} of {deployments} deployments\n")
        requests: list[Request[Any]] = []
        for number in range(first, min(first + AT_ONCE, deployments)):
            schedule = ScheduleDefinition(
                slug="hourly", kind="interval", expression="3600", timezone="UTC",
                details={"anchor": "2026-01-01T00:00:00Z"},
            )  # fmt: skip
            made = DeploymentDefinition(
                flow=f"flow-{number:04}", name="bench", entrypoint="none.py:none",
                tags=("bench",), schedules=(schedule,), parameter_schema={"properties": {}},
            )  # fmt: skip
            requests += [announce_deployment(made.id), put_deployment(made)]
            requests.append(finished_runs(made.id, made.full_name, 0, runs, now_ms))
        store.call_all(requests)


@contextmanager
def _served(url: str) -> Iterator[str]:
    app = create_app(load_settings({}, Path("/"), redis_url=url))
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        app.state.stopping.set()
        server.should_exit = True
        thread.join()
        listener.close()


def _p95(url: str, path: str) -> float:
    taken = []
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as link:
        for _ in range(TIMES):
            begin = time.perf_counter()
            link.request("GET", path, headers={"Accept": "text/html"})
            answer = link.getresponse()
            answer.read()
            taken.append(time.perf_counter() - begin)
            assert answer.status == 200, path
    return quantile(taken, 0.95)
