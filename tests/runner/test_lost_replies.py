"""The server did it, the answer was lost: asked again, it must not happen twice (I15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.model.states import State
from orchestrator.store.scripts import script
from tests.runner.proxy import ReplyLoser
from tests.runner.serving import Place, definition, states

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
