"""A run from its claim to its end."""

from __future__ import annotations

from orchestrator.model.states import State
from tests.runner.serving import Place, states


def test_a_run_completes_with_result_and_log(place: Place) -> None:
    place.flows("""
@flow(log_prints=True)
def work(name):
    print("hello", name)
    get_run_logger().warning("careful")
    os.write(2, b"raw\\n")
    return {"greeted": name}
""")
    place.start()
    run = place.ended(place.submit(name="you"))
    assert (run.state, run.result, run.attempt) == (State.COMPLETED, {"greeted": "you"}, 1)
    assert states(run) == ["Scheduled", "Pending", "Running", "Completed"]
    lines = place.lines(run.id)
    assert [line.text for line in lines] == ["hello you", "careful", "raw"]
    assert [line.level for line in lines] == ["INFO", "WARNING", "INFO"]
