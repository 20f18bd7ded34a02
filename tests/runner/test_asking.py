"""Runs that ask for runs: what comes back, and who asked."""

from __future__ import annotations

from orchestrator.model.states import State
from tests.runner.serving import NAME, Place, definition

PARENT_AND_CHILD = """
from orchestrator import RunFailed, RunIsOpen, run_deployment

@flow
def work(fails):
    child = run_deployment("child/test", {"fails": fails})
    try:
        return {"child": child.id, "result": child.result_or_raise()}
    except RunFailed as failed:
        return {"child": child.id, "state": failed.state, "why": failed.message}

@flow
def hasty():
    try:
        run_deployment("child/test", {"fails": False}, timeout=0).result_or_raise()
    except RunIsOpen:
        return "open"

@flow
def child(fails):
    if fails:
        raise ValueError("no file")
    return [1, 2]
"""


def served(place: Place) -> None:
    place.flows(PARENT_AND_CHILD)
    place.start(*(definition(name) for name in (NAME, "child/test", "hasty/test")))


def test_the_result_or_the_reason_of_a_child_comes_back(place: Place) -> None:
    served(place)
    good, bad = place.submit(fails=False), place.submit(fails=True)

    done, failed = place.ended(good).result, place.ended(bad).result
    assert done["result"] == [1, 2]
    assert (failed["state"], failed["why"]) == ("Failed", "ValueError: no file")
    assert place.run(done["child"]).created_by == f"run:{good}"
    assert place.run(failed["child"]).state is State.FAILED


def test_who_does_not_wait_has_no_result(place: Place) -> None:
    served(place)

    assert place.ended(place.submit("hasty/test")).result == "open"
