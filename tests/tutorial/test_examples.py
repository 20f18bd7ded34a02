"""Every example is served as a user would, and a run of each of its deployments completes."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Client
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import scripts

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example:
    """A script, one of its deployments, and what a run of it gives."""

    script: str
    deployment: str
    result: Any
    parameters: dict[str, Any] = field(default_factory=dict)


EXAMPLES = [
    Example(
        "following_events.py",
        "pack/paid-orders",
        "order 1: lamp",
        {"order": "1", "items": ["lamp"]},
    ),
    Example("hello.py", "hello/first", "greeted Ada", {"name": "Ada"}),
    Example("from_storage.py", "hello/from-storage", "greeted Ada", {"name": "Ada"}),
    Example("sleeper_and_fast.py", "fast/fast", "done"),
    Example("sleeper_and_fast.py", "slow/sleeper", None, {"sleep": 0.01}),
    Example("configured_instance.py", "greet-from-instance/bavarian", "Servus, world!"),
    Example(
        "typed_parameters.py",
        "deliver/orders",
        {"label": "2 large pizza to Hauptstraße 1", "weekday": "Sunday", "minutes": 120.0},
        {
            "order": {
                "item": "pizza",
                "count": 2,
                "size": "large",
                "to": {"street": "Hauptstraße 1"},
            },
            "on": "2026-11-22",
        },
    ),
    Example("retries.py", "flaky/until-it-works", "got through at attempt 2", {"succeeds_at": 2}),
    Example("progress.py", "long-work/steps", 3, {"steps": 3, "seconds": 0.01}),
    Example("parents.py", "count-all/whole", 5, {"texts": ["one two", "three four five"]}),
    Example("asynchronous.py", "gather/at-once", [0, 1, 2], {"waits": 3, "seconds": 0.01}),
]


def test_every_script_is_tried() -> None:
    tried = {example.script for example in EXAMPLES} | {"repo_report.py", "disk_usage.py"}
    assert tried == {script.name for script in (PROJECT / "examples").glob("*.py")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.deployment)
def test_a_run_completes(example: Example, server: Server, tmp_path: Path) -> None:
    run = run_once(example, server, tmp_path)
    assert (run.state, run.result) == (State.COMPLETED, example.result), run.error


def test_events_lead_to_runs(server: Server, tmp_path: Path) -> None:
    """One flow's result is the next one's parameter; what is said outside leads to a run, too."""
    environment = {
        "ORCHESTRATOR_REDIS_URL": server.url,
        "ORCHESTRATOR_HOME": str(tmp_path / "home"),
    }
    script = str(PROJECT / "examples" / "following_events.py")
    with scripts(tmp_path, **environment) as starter, Client(server.url) as client:
        starter.command(sys.executable, script)
        starter.orchestrator("scheduler", "start")
        eventually(lambda: served(client, "pack/paid-orders"), within=30, why="served")
        asked = client.create_run("load-rows/nightly", {"count": 4})
        client.emit_event("order.paid", "4711", {"items": ["lamp", "bulb"]})

        results = [
            eventually(lambda: completed(client, name), within=60, why=name)  # noqa: B023
            for name in ("report/after-loading", "pack/paid-orders")
        ]

        assert results == ["4 rows, 14 in all", "order 4711: lamp and bulb"]
        (loaded,) = client.events(event="rows.loaded")
        assert loaded.payload == {"count": 4}
        assert {"role": "run", "id": asked.id} in loaded.related


def completed(client: Client, name: str) -> Any:
    found = client.runs(1, name, State.COMPLETED)
    return found[0].result if found else None


def test_disk_usage_tells_what_the_system_tells(server: Server, tmp_path: Path) -> None:
    run = run_once(Example("disk_usage.py", "disk-usage/hourly", None), server, tmp_path)
    assert run.result["total"] == shutil.disk_usage("/").total
    assert set(run.tags) == {"tutorial", "disk"}
    assert run.version == "tutorial/1"


def run_once(example: Example, server: Server, tmp_path: Path) -> Any:
    environment = {
        "ORCHESTRATOR_REDIS_URL": server.url,
        "ORCHESTRATOR_HOME": str(tmp_path / "home"),
    }
    with scripts(tmp_path, **environment) as starter, Client(server.url) as client:
        starter.command(sys.executable, str(PROJECT / "examples" / example.script))
        # The retry of an example waits for its delay, and that is a scheduler's work.
        starter.orchestrator("scheduler", "start")
        eventually(lambda: served(client, example.deployment), within=30, why="served")
        asked = client.create_run(example.deployment, example.parameters)
        return client.wait_for_run(asked.id, timeout=30)


def served(client: Client, name: str) -> bool:
    return any(d.name == name and d.runners for d in client.deployments())
