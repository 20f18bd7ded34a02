"""The server did it, the answer was lost: asked again, it must not happen twice (I15)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.client.client import Client
from orchestrator.model.errors import RunIsFinal, ServerUnavailable
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.scripts import script
from tests.runner.proxy import ReplyLoser
from tests.runner.serving import NAME, Place, definition, states
from tests.support import eventually

FLOW = """
@flow
def work():
    with open("executions", "a") as file:
        file.write("x")
    if current_run().attempt == 1 and Path("fails").exists():
        raise ValueError("once")
"""


@pytest.fixture(params=["claim_runs", "start_run", "finish_run", "beat_runs", "append_log"])
def loser(request: pytest.FixtureRequest, place: Place) -> Iterator[ReplyLoser]:
    marker = script(request.param).sha.encode()
    loser = ReplyLoser(place.server.socket, place.server.folder / "p", marker)
    yield loser
    loser.close()
    loser.path.unlink()


def test_I15_a_run_is_executed_once_whichever_answer_is_lost(
    place: Place, loser: ReplyLoser
) -> None:
    place.flows(FLOW + '    print("said")\n    time.sleep(0.3)\n')
    place.start(url=loser.url, lease_seconds=1.0)
    run = place.ended(place.submit())
    assert loser.lost == 1
    assert (run.state, run.attempt) == (State.COMPLETED, 1)
    assert states(run) == ["Scheduled", "Pending", "Running", "Completed"]
    assert place.note("executions") == "x"


@pytest.mark.parametrize("loser", ["finish_run"], indirect=True)
def test_I15_a_retry_whose_answer_is_lost_is_one_retry(place: Place, loser: ReplyLoser) -> None:
    place.flows(FLOW)
    (place.folder / "fails").touch()
    place.start(definition(retries=1), url=loser.url)
    run = place.ended(place.submit())
    assert (run.state, run.attempt, place.note("executions")) == (State.COMPLETED, 2, "xx")


@contextmanager
def losing(place: Place, marker: bytes, spared: int) -> Iterator[ReplyLoser]:
    """Loses one answer: the one after so many."""
    path = place.server.folder / f"p{spared}"
    loser = ReplyLoser(place.server.socket, path, marker, spared=spared)
    yield loser
    loser.close()
    path.unlink()


WHOLE_LIFE = 24
"""Packets with calls of scripts that a runner sends while one run is served, and some more."""


@pytest.mark.long
@pytest.mark.parametrize("spared", range(3, WHOLE_LIFE))
def test_I15_any_one_answer_to_a_runner_may_be_lost(place: Place, spared: int) -> None:
    """The first ones are those of the start: without an answer then, it says so and ends."""
    place.flows(FLOW + '    print("said")\n    time.sleep(0.5)\n')
    (place.folder / "fails").touch()
    with losing(place, b"EVALSHA", spared) as loser:
        place.start(definition(retries=1), url=loser.url, lease_seconds=1.0)
        run = place.ended(place.submit())
        eventually(lambda: loser.lost)
        assert (run.state, run.attempt) == (State.COMPLETED, 2)
        assert states(run) == [
            "Scheduled", "Pending", "Running", "AwaitingRetry", "Pending", "Running", "Completed",
        ]  # fmt: skip
        assert place.note("executions") == "xx"
        assert set(place.texts(run.id)) == {"said"}
        after = place.ended(place.submit())
        assert after.state is State.COMPLETED


@pytest.mark.parametrize("spared", range(4))
def test_I15_any_one_answer_to_a_client_may_be_lost(place: Place, spared: int) -> None:
    """The client says that the server was lost; asked again with the same key, it is one run."""
    place.deploy(definition())
    with losing(place, b"\r\n", spared) as loser, Client(loser.url) as client:

        def create() -> Run | None:
            try:
                return client.create_run(NAME, idempotency_key="once")
            except ServerUnavailable:
                return None

        def cancel(run: Run) -> Run | None:
            try:
                return client.cancel_run(run.id)
            except ServerUnavailable:
                return None
            except RunIsFinal:
                return client.run(run.id)

        run = eventually(create)
        assert eventually(lambda: cancel(run)).state is State.CANCELLED
        assert [each.id for each in client.runs(deployment=NAME)] == [run.id]
        assert loser.lost == 1
