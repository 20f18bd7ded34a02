"""Following a run across what happens to the server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from orchestrator import Client, ServerUnavailable, flow
from orchestrator.client import following
from orchestrator.client.transport import Direct
from orchestrator.model.run import Step
from orchestrator.model.states import State
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import announce_deployment, put_deployment
from tests.support import Server, eventually


@flow
def idle() -> None: ...


@pytest.fixture
def durable() -> Iterator[Server]:
    """A server that can be killed and started again with all its data."""
    server = Server(options=("--appendonly", "yes", "--appendfsync", "always")).start()
    definition = idle.to_deployment("x").definition
    store = open_store(server.url)
    store.call_all([put_deployment(definition), announce_deployment(definition.id)])
    store.close()
    yield server
    server.stop()


def test_waiting_outlives_a_restart_of_the_server(durable: Server) -> None:
    with ThreadPoolExecutor() as pool, Client(durable.url) as waiter, Client(durable.url) as other:
        run = other.create_run("idle/x")
        waiting = pool.submit(waiter.wait_for_run, run.id, 30)
        with redis.Redis.from_url(durable.url) as seen:
            eventually(seen.pubsub_channels, why="it listens")

        durable.kill()
        durable.start()
        other.cancel_run(run.id)

        assert waiting.result().state is State.CANCELLED


def test_a_server_that_stays_away_is_told(durable: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PATIENCE", 0.1)
    with Client(durable.url) as client:
        run = client.create_run("idle/x")
        durable.kill()

        with pytest.raises(ServerUnavailable):
            client.wait_for_run(run.id)


def test_an_end_is_heard_at_once(durable: Server) -> None:
    """Not only at the next look, however far away that is."""
    with ThreadPoolExecutor() as pool, Client(durable.url) as client:
        run = client.create_run("idle/x")
        records = following.Followed(Direct(open_store(durable.url)), run.id, every=600).records()
        assert next(records).state is State.SCHEDULED
        last = pool.submit(next, records)

        client.cancel_run(run.id)

        assert last.result(timeout=10).state is State.CANCELLED


def steps(*moments: int) -> tuple[Step, ...]:
    return tuple(
        Step(at_ms=at, state=State.RUNNING, attempt=1, runner="r", reason="") for at in moments
    )


def test_steps_are_told_once_also_when_the_middle_of_a_history_goes() -> None:
    """The store keeps how a run began and what happened last."""
    history = following.History()

    assert history.news(()) == []
    assert history.news(steps(1, 2)) == list(steps(1, 2))
    assert history.news(steps(1, 2, 3, 4)) == list(steps(3, 4))
    assert history.news(steps(1, 2, 4, 5)) == list(steps(5)), "one dropped that was told"
    assert history.news(steps(1, 2, 7, 8)) == list(steps(7, 8)), "the last told was dropped"
    assert history.news(steps(1, 2, 7, 8)) == []
