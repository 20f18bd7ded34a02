"""What cannot be used gets one clear message and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Client, InvalidParameters
from orchestrator.model.run import Run
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import Starter, scripts

LONG_NAME = "ü" * 500
FLOWS = f"""
from orchestrator import flow, serve

@flow(name={LONG_NAME!r})
def anything(value=None):
    return value

@flow
def odd():
    return object()

if __name__ == "__main__":
    serve(anything.to_deployment({LONG_NAME!r}), odd.to_deployment("odd"))
"""
ANYTHING = f"{LONG_NAME}/{LONG_NAME}"


@pytest.fixture
def starter(server: Server, tmp_path: Path) -> Iterator[Starter]:
    home = str(tmp_path / "home")
    with scripts(tmp_path, ORCHESTRATOR_REDIS_URL=server.url, ORCHESTRATOR_HOME=home) as starter:
        starter.python(FLOWS)
        yield starter


@pytest.fixture
def client(server: Server, starter: Starter) -> Iterator[Client]:
    with Client(server.url) as client:
        eventually(
            lambda: sum(len(d.runners) for d in client.deployments()) == 2, within=30, why="served"
        )
        yield client


def ended(client: Client, name: str, **parameters: Any) -> Run:
    return client.wait_for_run(client.create_run(name, parameters).id, timeout=30)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 10_000_000, "524,288|512 KiB|bytes"),
        (float("nan"), "nan|NaN"),
        (float("inf"), "inf|Infinity"),
        ({1: "a"}, "key"),
        ({"a": object()}, "object"),
    ],
    ids=["10 MB", "NaN", "infinite", "a key that is no text", "no JSON"],
)
def test_parameters_that_no_run_can_get_are_refused(
    client: Client, value: object, words: str
) -> None:
    with pytest.raises(InvalidParameters, match=words) as refused:
        client.create_run(ANYTHING, {"value": value})
    assert len(str(refused.value)) < 2_000 + len(ANYTHING)
    assert client.runs() == []


def test_names_of_500_letters_of_any_alphabet_are_names(client: Client) -> None:
    done = ended(client, ANYTHING, value="ß")
    assert (done.state, done.result, done.deployment) == (State.COMPLETED, "ß", ANYTHING)


def test_a_result_that_is_no_json_is_left_out_with_a_note(client: Client) -> None:
    done = ended(client, "odd/odd")
    assert (done.state, done.result) == (State.COMPLETED, None)
    assert "result of type builtins.object not stored" in (done.reason or "")


def test_a_deleted_source_file_crashes_runs_until_it_is_back(
    client: Client, starter: Starter
) -> None:
    source = starter.folder / "flows.py"
    text = source.read_text()
    source.unlink()

    lost = ended(client, "odd/odd")

    assert lost.state is State.CRASHED
    assert "flows.py" in str(lost.error)
    source.write_text(text)
    assert ended(client, ANYTHING, value=1).result == 1
