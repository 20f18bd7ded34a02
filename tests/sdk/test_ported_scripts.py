"""Scripts as they were written for Prefect's ``serve``, with only their import line changed."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import Client
from orchestrator.model.run import Run
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import Starter, scripts

STARS = """
import json, pathlib, urllib.request
from orchestrator import flow

@flow(log_prints=True)
def repo_stars(repo: str = "redis/redis-py"):
    \"\"\"Print the star count of a GitHub repository.\"\"\"
    page = pathlib.Path(f"{repo.replace('/', '-')}.json").resolve().as_uri()
    with urllib.request.urlopen(page) as answer:
        print(repo, json.load(answer)["stargazers_count"])

if __name__ == "__main__":
    repo_stars.serve(name="stars", cron="* * * * *", tags=["tutorial", "stars"],
                     description="Counts stars", version="tutorial/1")
"""

INSTANCE = """
from orchestrator import flow

class Shop:
    def __init__(self, price):
        self.price = price

    @flow(name="total", log_prints=True)
    def total(self, count: int = 2):
        print("counting")
        return self.price * count

    @flow
    @staticmethod
    def opening_hours(day: str = "monday"):
        return day.title()

if __name__ == "__main__":
    from orchestrator import serve
    serve(Shop(21).total.to_deployment("instance"),
          Shop.opening_hours.to_deployment("static"))
"""

WATCHED = """
from orchestrator import flow, set_progress

@flow(flow_run_name="{who}'s try", retries=1, retry_delay_seconds=[0], log_prints=True)
def tries(who: str = "ann"):
    set_progress((1, 4), text="reading")
    raise ValueError("no luck")

@tries.on_running
def begins(flow, flow_run, state):
    print(f"{state.name}: {flow.name}, {flow_run.name}")

@tries.on_failure
def tell(flow, flow_run, state):
    print(f"{state.name}: {flow_run.name} at attempt {flow_run.attempt}: {state.message}")

@flow(log_prints=True, cancel_grace_seconds=20)
def waits():
    import time
    print("waiting")
    time.sleep(600)

@waits.on_cancellation
def clean_up(flow, flow_run, state):
    print(f"{state.name}, cleaned up")

if __name__ == "__main__":
    from orchestrator import serve
    serve(tries.to_deployment("x"), waits.to_deployment("x"), limit=2)
"""

RICH = """
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Optional
from pydantic import BaseModel, SecretStr
from orchestrator import flow, freeze, run_deployment, serve

class Size(Enum):
    BIG = "big"

class Order(BaseModel):
    name: str
    due: datetime
    inner: Optional["Order"] = None

@flow
def rich(order: Order, day: date, wait: timedelta = timedelta(seconds=5), size: Size = Size.BIG,
         password: SecretStr = SecretStr("none"), raw: bytes = b"",
         pair: tuple[int, str] = (1, "a"), fixed: int = 0):
    assert isinstance(order.inner, Order) and isinstance(order.inner.due, datetime)
    assert (day, wait) == (date(2026, 11, 22), timedelta(days=1, seconds=0.5))
    assert (size, password.get_secret_value(), raw) == (Size.BIG, "hunter2", b"\\x01x")
    assert (pair, fixed) == ((2, "b"), 7)
    return order

@flow
def asks():
    inner = Order(name="in", due=datetime(2026, 1, 1))
    run = run_deployment("rich/x", {
        "order": Order(name="out", due=datetime(2026, 1, 2), inner=inner),
        "day": date(2026, 11, 22), "size": Size.BIG, "raw": b"\\x01x", "pair": (2, "b")},
        timeout=20)
    assert "hunter2" not in repr(run)
    return [run.state, run.result["inner"]["name"]]

if __name__ == "__main__":
    fixed = {"wait": timedelta(days=1, seconds=0.5), "password": freeze(SecretStr("hunter2")),
             "fixed": freeze(7)}
    serve(rich.to_deployment("x", parameters=fixed), asks.to_deployment("x"), limit=2)
"""

MODULE = """
from orchestrator import flow, EntrypointType

@flow
def where():
    return [where.fn.__module__, __name__]

if __name__ == "__main__":
    where.serve(__file__, entrypoint_type=EntrypointType.MODULE_PATH, description="")
"""


@pytest.fixture
def starter(server: Server, tmp_path: Path) -> Iterator[Starter]:
    with scripts(tmp_path, ORCHESTRATOR_REDIS_URL=server.url) as starter:
        yield starter


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def served(client: Client, *names: str) -> None:
    """Wait until each of them has a runner."""
    eventually(
        lambda: {each.name for each in client.deployments() if each.runners} >= set(names),
        why=f"{names} are served",
    )


def ended(client: Client, name: str, **asked: object) -> Run:
    run = client.create_run(name, asked)
    return client.wait_for_run(run.id, timeout=30)


def lines(client: Client, run: Run) -> list[str]:
    return [line.text for line in client.follow_logs(run.id)]


def test_example_b(starter: Starter, client: Client) -> None:
    (starter.folder / "redis-redis-py.json").write_text(json.dumps({"stargazers_count": 12}))
    starter.python(STARS)
    served(client, "repo-stars/stars")
    deployment = client.deployment("repo-stars/stars")

    run = ended(client, "repo-stars/stars")

    assert (run.state, run.tags) == (State.COMPLETED, ("tutorial", "stars")), run.error
    assert lines(client, run) == ["redis/redis-py 12"]
    assert (deployment.description, deployment.version) == ("Counts stars", "tutorial/1")
    assert [each.definition.expression for each in deployment.schedules] == ["* * * * *"]


def test_methods_of_an_instance_and_of_none(starter: Starter, client: Client) -> None:
    starter.python(INSTANCE)
    served(client, "total/instance", "opening-hours/static")

    total = ended(client, "total/instance", count=3)

    assert (total.state, total.result) == (State.COMPLETED, 63), total.error
    assert lines(client, total) == ["counting"]
    assert ended(client, "opening-hours/static").result == "Monday"
    properties = client.deployment("total/instance").parameter_schema["properties"]
    assert [(name, each["position"]) for name, each in properties.items()] == [("count", 0)]


def test_hooks_a_name_and_progress(starter: Starter, client: Client) -> None:
    starter.python(WATCHED)
    served(client, "tries/x", "waits/x")

    run = ended(client, "tries/x")

    assert (run.state, run.attempt, run.name) == (State.FAILED, 2, "ann's try")
    assert run.progress == {"done": 1, "total": 4, "text": "reading"}
    assert lines(client, run) == [
        "Running: tries, ann's try",
        "Running: tries, ann's try",
        "Failed: ann's try at attempt 2: ValueError: no luck",
    ]
    waiting = client.create_run("waits/x")
    eventually(lambda: client.logs(waiting.id), why="it waits")
    client.cancel_run(waiting.id)
    assert client.wait_for_run(waiting.id, timeout=30).state is State.CANCELLED
    assert lines(client, client.run(waiting.id)) == ["waiting", "Cancelled, cleaned up"]


def test_rich_values_come_back_as_they_were(starter: Starter, client: Client) -> None:
    starter.python(RICH)
    served(client, "rich/x", "asks/x")

    asking = ended(client, "asks/x")

    assert (asking.state, asking.result) == (State.COMPLETED, ["Completed", "in"]), asking.error
    (rich,) = client.runs(deployment="rich/x")
    assert rich.parameters["password"] == "hunter2"
    shown = starter.orchestrator("run", "inspect", rich.id, "--output", "json")
    assert shown.ends() == 0
    table = starter.orchestrator("run", "inspect", rich.id)
    deployment = starter.orchestrator("deployment", "inspect", "rich/x", "--output", "json")
    page = starter.orchestrator("deployment", "inspect", "rich/x")
    for script in (table, deployment, page):
        assert script.ends() == 0
    guessed = starter.orchestrator("deployment", "run", "rich/x", "-p", "password=guessed")
    assert guessed.ends() == 2
    assert "password: **********: is not what it must be" in guessed.output
    assert not any("hunter2" in script.output for script in starter.started)
    assert json.loads(shown.output)["parameters"]["password"] == "**********"
    refused = starter.orchestrator("deployment", "run", "rich/x", "-p", "fixed=8")
    assert refused.ends() == 2
    assert "fixed: 8: must be 7" in refused.output


def test_a_script_as_a_module_of_its_own_name(starter: Starter, client: Client) -> None:
    script = starter.python(MODULE, name="places.py")
    served(client, "where/places")

    run = ended(client, "where/places")

    assert run.result == ["places", "places"], run.error
    deployment = client.deployment("where/places")
    assert (deployment.entrypoint, deployment.description) == ("places:where", None)
    script.send(signal.SIGINT)
    assert script.ends() == 0
    again = starter.python(MODULE.replace('description=""', 'version="2"'), name="places.py")
    served(client, "where/places")
    eventually(lambda: "version" in again.output, why="what changes is printed")
    assert "-> 2" in again.output
