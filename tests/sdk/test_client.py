"""``Client`` over a real server; no runner."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator import (
    Client,
    Cron,
    DeploymentNotFound,
    InvalidOption,
    InvalidParameters,
    KeyReused,
    RunFailed,
    RunIsFinal,
    RunNotFound,
    ServerUnavailable,
    arun_deployment,
    flow,
    run_deployment,
)
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.errors import Conflict, RunIsOpen, RunnerNotFound
from orchestrator.model.ids import RunnerId, deployment_id
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.runners import leave_runner, register_runner
from tests.support import Server, eventually


@flow
def greet(who: str, times: int = 1) -> str:
    return who * times


NAME = "greet/first"
D = deployment_id(NAME)
UNKNOWN = f"{D}-{'0' * 21}"
LATER = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(params=["direct", "api"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    """The same, whichever way it takes."""
    register(server, greet.to_deployment("first", parameters={"who": "all"}, tags=["a"]).definition)
    url = server.url if request.param == "direct" else request.getfixturevalue("api").url
    with Client(url) as client:
        yield client


def register(server: Server, definition: DeploymentDefinition) -> None:
    store = open_store(server.url)
    store.call_all([put_deployment(definition), announce_deployment(definition.id)])
    store.close()


def test_a_run_is_made_of_defaults_and_what_was_asked(client: Client) -> None:
    run = client.create_run(NAME, {"times": 2}, tags=["b", "a"], name="mine")

    assert (run.parameters, run.tags) == ({"who": "all", "times": 2}, ("a", "b"))
    assert (run.state, run.name, run.created_by) == (State.SCHEDULED, "mine", "person")
    assert client.run(run.id) == run
    assert client.runs() == [run]


def test_a_deployment_is_given_by_name_or_id(client: Client) -> None:
    assert client.create_run(D).deployment == NAME
    assert client.deployment(D) == client.deployment(NAME)


@pytest.mark.parametrize("name", ["greet/nope", "greet", "", "a" * 12])
def test_unknown_deployments(client: Client, name: str) -> None:
    asks: list[Any] = [
        client.create_run,
        client.deployment,
        client.pause_deployment,
        client.resume_deployment,
        client.hold_deployment,
        client.release_deployment,
    ]
    for ask in asks:
        with pytest.raises(DeploymentNotFound):
            ask(name)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"who": 3}, r'who: 3 is not of type "string"'),
        ({"times": "2"}, r'times: "2" is not of type "integer"'),
        ({"whom": "x"}, "whom: is not known"),
        ({"times": math.nan}, "no word for nan"),
        ({1: 2}, "a key must be a text"),
        ({"who": object()}, "no word for <object"),
        ([1], "must map names to values"),
    ],
)
def test_refused_parameters_create_nothing(client: Client, parameters: Any, message: str) -> None:
    with pytest.raises(InvalidParameters, match=message):
        client.create_run(NAME, parameters)
    with pytest.raises(InvalidParameters, match=message):
        client.create_runs([(NAME, None), (NAME, parameters)])

    assert client.runs() == []


def test_missing_parameters(server: Server, client: Client) -> None:
    register(server, greet.to_deployment("bare").definition)

    with pytest.raises(InvalidParameters, match="who: is missing"):
        client.create_run("greet/bare")


def test_an_unenforced_schema_lets_pass(server: Server, client: Client) -> None:
    loose = greet.to_deployment("loose", enforce_parameter_schema=False)
    register(server, loose.definition)

    assert client.create_run("greet/loose", {"odd": 1}).parameters == {"odd": 1}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("scheduled_at", datetime(2030, 1, 1)),  # noqa: DTZ001  # naive on purpose
        ("scheduled_at", "tomorrow"),
        ("tags", "one"),
        ("tags", [1]),
        ("idempotency_key", ""),
        ("name", 3),
    ],
)
def test_bad_options(client: Client, option: str, value: Any) -> None:
    with pytest.raises(InvalidOption) as refused:
        client.create_run(NAME, **{option: value})

    assert refused.value.option == option


def test_a_run_for_later_waits(client: Client) -> None:
    run = client.create_run(NAME, scheduled_at=LATER)

    assert run.scheduled_at == round(LATER.timestamp() * 1000)
    assert run.state is State.SCHEDULED


def test_the_same_key_gives_the_same_run(client: Client) -> None:
    first = client.create_run(NAME, {"times": 1}, idempotency_key="k")

    assert client.create_run(NAME, {"times": 1}, idempotency_key="k") == first
    with pytest.raises(KeyReused):
        client.create_run(NAME, {"times": 2}, idempotency_key="k")
    assert len(client.runs()) == 1


def test_many_at_once(client: Client) -> None:
    numbers = range(1, 1202)
    ids = client.create_runs([(NAME, {"times": n}) for n in numbers], tags=["bulk"])

    made = {run.id: run for run in client.runs(limit=2000)}
    assert [made[i].parameters["times"] for i in ids] == list(numbers)
    assert {run.tags for run in made.values()} == {("a", "bulk")}


def test_cancelling_before_it_began(client: Client) -> None:
    run = client.create_run(NAME)

    assert client.cancel_run(run.id).state is State.CANCELLED
    with pytest.raises(RunIsFinal, match="already Cancelled; nothing was changed"):
        client.cancel_run(run.id)
    assert client.wait_for_run(run.id).state is State.CANCELLED
    assert [step.state for step in client.watch_run(run.id)] == ["Scheduled", "Cancelled"]  # type: ignore[union-attr]
    with pytest.raises(RunIsFinal):
        client.pause_run(run.id)


def test_only_running_runs_are_paused(client: Client) -> None:
    run = client.create_run(NAME)

    with pytest.raises(Conflict, match="only a running one"):
        client.pause_run(run.id)


@pytest.mark.parametrize("run_id", [UNKNOWN, "nonsense", ""])
def test_unknown_runs(client: Client, run_id: str) -> None:
    asks: list[Any] = [
        client.run,
        client.cancel_run,
        client.pause_run,
        client.resume_run,
        client.retry_run,
        client.delete_run,
        client.explain_run,
        client.logs,
        client.wait_for_run,
        lambda each: list(client.follow_logs(each)),
        lambda each: list(client.watch_run(each)),
    ]
    for ask in asks:
        with pytest.raises(RunNotFound):
            ask(run_id)


def test_waiting_ends_at_the_timeout(client: Client) -> None:
    run = client.create_run(NAME)

    assert client.wait_for_run(run.id, timeout=0).state is State.SCHEDULED
    assert client.wait_for_run(run.id, timeout=0.05).state is State.SCHEDULED


def test_listing(server: Server, client: Client) -> None:
    register(server, greet.to_deployment("second", parameters={"who": "x"}).definition)
    first, second = client.create_run(NAME), client.create_run("greet/second")
    client.cancel_run(first.id)

    assert [run.id for run in client.runs(deployment="greet/second")] == [second.id]
    assert [run.id for run in client.runs(state="Cancelled")] == [first.id]
    assert [deployment.name for deployment in client.deployments()] == [NAME, "greet/second"]
    with pytest.raises(DeploymentNotFound):
        client.runs(deployment="greet/third")


def test_pausing_and_holding(server: Server, client: Client) -> None:
    definition = greet.to_deployment("c", parameters={"who": "x"}, schedule=Cron("0 0 1 1 *"))
    register(server, definition.definition)

    assert client.pause_deployment("greet/c").paused_by == "user"
    assert client.resume_deployment("greet/c").paused is False
    assert client.hold_deployment("greet/c").held is True
    assert client.release_deployment("greet/c").held is False


def test_the_server_is_looked_at(client: Client) -> None:
    assert client.server_facts()["role"] == "master"
    assert {finding.level for finding in client.server_findings()} <= {"ok", "warn"}
    assert client.runners() == []


def test_no_server() -> None:
    with Client("redis://127.0.0.1:1/0") as client, pytest.raises(ServerUnavailable):
        client.deployments()


def test_an_ended_run_is_asked_for_again(client: Client) -> None:
    first = client.create_run(NAME, {"times": 2}, tags=["b"], name="mine", idempotency_key="k")
    with pytest.raises(RunIsOpen):
        client.retry_run(first.id)
    client.cancel_run(first.id)

    again = client.retry_run(first.id)
    other = client.retry_run(first.id, {"times": 3})

    assert (again.parameters, again.tags, again.name) == (first.parameters, ("a", "b"), "mine")
    assert (again.retry_of, again.idempotency_key, again.is_final) == (first.id, None, False)
    assert other.parameters == {"who": "all", "times": 3}
    assert client.run(first.id).retried_as == other.id
    assert client.run(first.id).state is State.CANCELLED, "final is final"
    with pytest.raises(InvalidParameters, match="times"):
        client.retry_run(first.id, {"times": "many"})
    with pytest.raises(InvalidParameters, match="must map names"):
        client.retry_run(first.id, [1])  # type: ignore[arg-type]
    assert len(client.runs()) == 3


def test_a_run_without_a_name_hands_none_on(client: Client) -> None:
    first = client.cancel_run(client.create_run(NAME).id)

    again = client.retry_run(first.id)
    assert (first.own_name, again.own_name) == (None, None)
    assert again.name != first.name


def test_deleting_runs(client: Client) -> None:
    run = client.create_run(NAME)
    with pytest.raises(RunIsOpen, match="cancel it first"):
        client.delete_run(run.id)
    cancelled = client.cancel_run(run.id)

    assert client.delete_run(run.id) == cancelled
    with pytest.raises(RunNotFound):
        client.delete_run(run.id)


def test_the_key_of_a_deleted_run_is_free(client: Client) -> None:
    run = client.cancel_run(client.create_run(NAME, {"times": 1}, idempotency_key="k").id)
    client.delete_run(run.id)

    again = client.create_run(NAME, {"times": 2}, idempotency_key="k")
    assert (again.id, again.parameters["times"]) == (run.id, 2)


def test_a_run_that_is_waited_for_is_deleted(client: Client) -> None:
    run = client.create_run(NAME)
    client.delete_deployment(NAME)

    with pytest.raises(RunNotFound):
        client.wait_for_run(run.id)


def test_deleting_deployments(server: Server, client: Client) -> None:
    client.create_run(NAME)
    store = open_store(server.url)
    store.call(register_runner(D, RunnerId("r"), "{}"))
    with pytest.raises(Conflict, match="is served"):
        client.delete_deployment(NAME)
    store.call(leave_runner(D, RunnerId("r"), False))
    store.close()

    assert client.delete_deployment(D) == 1
    with pytest.raises(DeploymentNotFound):
        client.delete_deployment(NAME)
    assert client.deployments() == []


def test_versions_of_a_deployment(client: Client) -> None:
    (version,) = client.deployment_versions(NAME)

    assert (version.number, version.changes) == (1, ())
    with pytest.raises(DeploymentNotFound):
        client.deployment_versions("greet/nobody")


def test_runs_are_explained(client: Client) -> None:
    run = client.create_run(NAME)

    explanation = client.explain_run(run.id)
    assert (explanation.run, explanation.code) == (run, "unserved")
    assert NAME in explanation.sentence


def test_nobody_to_drain(client: Client) -> None:
    with pytest.raises(RunnerNotFound):
        client.drain_runner("nobody")
    with pytest.raises(RunnerNotFound):
        client.drain_host("nowhere")


def test_a_result_or_the_reason_why_there_is_none(client: Client) -> None:
    run = client.create_run(NAME)
    with pytest.raises(RunIsOpen):
        run.result_or_raise()
    ended = replace(run, state=State.FAILED, error={"type": "ValueError", "message": "no file"})
    with pytest.raises(RunFailed, match="ended as Failed: ValueError: no file"):
        ended.result_or_raise()
    assert replace(run, state=State.COMPLETED, result=[1]).result_or_raise() == [1]


@pytest.fixture
def configured(client: Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("ORCHESTRATOR_REDIS_URL", server.url)
    return client


def test_run_deployment_without_waiting(configured: Client) -> None:
    run = run_deployment(
        NAME,
        {"times": 3},
        scheduled_time=LATER,
        timeout=0,
        tags=["t"],
        idempotency_key="once",
        flow_run_name="mine",
    )

    assert (run.parameters["times"], run.tags, run.name) == (3, ("a", "t"), "mine")
    assert run.idempotency_key == "once"
    assert configured.run(run.id) == run


def test_run_deployment_in_an_event_loop(configured: Client) -> None:
    run = asyncio.run(arun_deployment(NAME, timeout=0))

    assert configured.run(run.id) == run


def test_a_thousand_wait_in_one_event_loop_without_threads(configured: Client) -> None:
    """None of them can end before all have begun to wait."""

    async def ask() -> list[Run]:
        waits = [arun_deployment(NAME, idempotency_key=str(number)) for number in range(1000)]
        tasks = list(map(asyncio.ensure_future, waits))
        await asyncio.to_thread(eventually, lambda: len(waiting_runs(configured)) == 1000)
        assert threading.active_count() <= threads + 2
        await asyncio.to_thread(cancel_all, configured)
        return await asyncio.gather(*tasks)

    threads = threading.active_count()
    assert {run.state for run in asyncio.run(ask())} == {State.CANCELLED}


def waiting_runs(client: Client) -> list[Run]:
    return client.runs(1000, state="Scheduled")


def cancel_all(client: Client) -> None:
    for run in waiting_runs(client):
        client.cancel_run(run.id)


def test_an_event_loop_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_REDIS_URL", "redis://127.0.0.1:1")

    async def ask() -> list[BaseException | Run]:
        waits = (arun_deployment(NAME) for _ in range(3))
        return await asyncio.gather(*waits, return_exceptions=True)

    assert [type(each) for each in asyncio.run(ask())] == [ServerUnavailable] * 3


@pytest.mark.parametrize("timeout", [-1, math.nan])
def test_bad_timeouts(configured: Client, timeout: float) -> None:
    with pytest.raises(InvalidOption, match="timeout"):
        run_deployment(NAME, timeout=timeout)
