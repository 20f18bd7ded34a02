"""Runs that ask for runs, in real processes: cancelled together, waited for by any number. I23."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import RunId, deployment_id, new_run_id
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.children import as_parent, cancel_family
from orchestrator.store.explaining import explain_run
from orchestrator.store.listing import list_runs
from orchestrator.store.runs import NewRun, cancel_run, delete_run, submit_run
from orchestrator.store.standstill import waited_for
from orchestrator.store.wanted import Wanted
from tests.runner.serving import Place, definition
from tests.support import eventually

FAMILY = """
from orchestrator import arun_deployment, run_deployment
from concurrent.futures import ThreadPoolExecutor
import asyncio

def note(name):
    Path(name).write_text("")

@flow
def top():
    try:
        return run_deployment("middle/test").state
    finally:
        note("top ends")

@flow
def middle():
    return run_deployment("bottom/test").state

@flow
def bottom():
    note("bottom begins")
    time.sleep(600)

@flow
def pooled():
    with ThreadPoolExecutor() as pool:
        return pool.submit(middle.fn).result()

@flow
async def looped():
    try:
        return (await asyncio.gather(arun_deployment("bottom/test")))[0].state
    finally:
        note("looped ends")

@flow
def loose():
    run_deployment("bottom/test", as_subflow=False)

@flow
async def many(count):
    runs = await asyncio.gather(*(arun_deployment("leaf/test", {"n": n}) for n in range(count)))
    return [run.result_or_raise() for run in runs]

@flow
def leaf(n):
    if n < 0:
        raise ValueError("less than nothing")
    return n * n

@flow
async def impatient():
    slow = arun_deployment("bottom/test")
    try:
        await asyncio.wait_for(slow, 0.5)
    except TimeoutError:
        return (await arun_deployment("leaf/test", {"n": 3})).result
"""


def family(*names: str) -> list[DeploymentDefinition]:
    return [definition(f"{name}/test") for name in names]


STUCK = """
from orchestrator import run_deployment

@flow
def deep(levels):
    return run_deployment("deep/test", {"levels": levels - 1}).state if levels else "ground"

@flow
def ping():
    return run_deployment("pong/test").state

@flow
def pong():
    return run_deployment("ping/test", idempotency_key="again").state
"""

ALL = ("top", "middle", "bottom", "loose", "many", "leaf", "impatient")


def children(place: Place, parent: RunId) -> list[Run]:
    return place.store.follow(list_runs(5000, Wanted(parent=parent)))


def only_child(place: Place, parent: RunId) -> RunId:
    return eventually(lambda: [run.id for run in children(place, parent)])[0]


def cancel(place: Place, run_id: RunId) -> None:
    """As a person does who dies right after the first step."""
    plan = cancel_family(run_id, "a person")
    request = next(plan)
    while not any(each.script and each.script.name == "cancel_run" for each in request):
        request = plan.send(place.store.call_all(request))
    place.store.call_all(request)


def test_a_cancel_reaches_three_levels_on_two_runners(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("top", "bottom"))
    place.start(*family("middle"))
    top = place.submit("top/test")
    eventually((place.folder / "bottom begins").exists)
    middle = only_child(place, top)
    bottom = only_child(place, middle)

    cancel(place, top)

    for run_id in (top, middle, bottom):
        assert place.ended(run_id, within=60).state is State.CANCELLED
    assert (place.folder / "top ends").exists()
    assert [place.run(each).depth for each in (top, middle, bottom)] == [0, 1, 2]
    assert place.run(bottom).parent == middle


@pytest.mark.long
def test_I23_a_parent_that_runs_out_of_time_takes_its_children_along(place: Place) -> None:
    place.flows(FAMILY)
    place.start(definition("top/test", timeout_seconds=5.0), *family("middle", "bottom"))
    parent = place.submit("top/test")
    eventually((place.folder / "bottom begins").exists)
    middle = only_child(place, parent)
    bottom = only_child(place, middle)

    assert place.ended(parent, within=60).state is State.TIMED_OUT
    for child, by in ((middle, parent), (bottom, middle)):
        run = place.ended(child, within=60)
        assert run.state is State.CANCELLED
        assert f"cancelled by its parent {by}" in [step.reason for step in run.history]
    assert (place.folder / "top ends").exists()


@pytest.mark.parametrize("name", ["middle", "pooled", "looped"])
def test_a_child_s_end_is_no_answer_to_a_parent_that_is_cancelled(place: Place, name: str) -> None:
    """The child, which no runner serves, is over at once; its parent has heard nothing yet."""
    place.flows(FAMILY)
    place.deploy(*family("bottom"))
    place.start(*family(name))
    parent = place.submit(f"{name}/test")
    child = only_child(place, parent)

    place.store.call(cancel_run(child, as_parent(parent)))

    assert place.ended(parent).state is State.CANCELLED
    assert (name != "looped") or (place.folder / "looped ends").exists()


def test_what_is_no_subflow_goes_on(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("loose", "bottom"))
    parent = place.submit("loose/test")
    eventually((place.folder / "bottom begins").exists)

    place.store.follow(cancel_family(parent, "a person"))

    assert place.ended(parent).state is State.CANCELLED
    (run,) = place.store.follow(list_runs(wanted=Wanted(deployment="bottom/test")))
    assert (run.state, run.parent, run.depth) == (State.RUNNING, None, 1)


def test_a_child_whose_parent_was_cancelled_before_it_came_never_begins(place: Place) -> None:
    """Its parent's runner died between noting it and making it; somebody makes it after all."""
    place.flows(FAMILY)
    place.deploy(*family("top", "bottom"))
    parent = place.submit("top/test")
    place.store.follow(cancel_family(parent, "a person"))
    d = deployment_id("bottom/test")
    child = new_run_id(d, SystemClock().now_ms())
    late = NewRun(deployment_id=d, run_id=child, parameters="{}", parent=parent, depth=1)
    place.store.call(submit_run(late))

    place.start(*family("bottom"))

    run = place.ended(child)
    assert run.state is State.CANCELLED
    assert f"cancelled by its parent {parent}" in [step.reason for step in run.history]
    assert not (place.folder / "bottom begins").exists()


def test_many_are_asked_for_and_waited_for_at_the_same_time(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("many", "leaf"))
    parent = place.submit("many/test", count=20)

    assert place.ended(parent).result == [n * n for n in range(20)]
    assert place.run(parent).children == 20


def test_who_gives_up_waiting_can_ask_again(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("impatient", "leaf", "bottom"))
    assert place.ended(place.submit("impatient/test")).result == 9


def test_a_child_that_is_deleted_is_not_waited_for(place: Place) -> None:
    place.flows(FAMILY)
    runner = place.start(*family("top"))
    place.deploy(*family("middle"))
    parent = place.submit("top/test")
    child = only_child(place, parent)
    runner.send(signal.SIGSTOP)  # or it may see the child between its two ends
    place.store.call_all([cancel_run(child, "a person"), delete_run(child)])
    runner.send(signal.SIGCONT)

    error = place.ended(parent).error
    assert error is not None
    assert error["type"].endswith("RunNotFound")


@pytest.mark.long
def test_a_recovered_parent_asks_anew_and_its_runner_s_children_go_on(place: Place) -> None:
    place.flows(FAMILY)
    first = place.start(*family("top"), lease_seconds=3)
    place.start(*family("middle", "bottom"), lease_seconds=3)
    parent = place.submit("top/test")
    before = only_child(place, parent)
    first.send(signal.SIGKILL)

    place.start(*family("top"), lease_seconds=3)

    eventually(lambda: len(children(place, parent)) == 2, within=60)
    assert place.run(parent).attempt == 2
    assert not place.run(before).is_final
    place.store.follow(cancel_family(parent, "a person"))
    for each in children(place, parent):
        assert place.ended(each.id, within=60).state is State.CANCELLED


def explained(place: Place, run_id: RunId) -> Explanation:
    found = place.store.follow(explain_run(run_id))
    assert found is not None
    return found


def warnings(place: Place, run_id: RunId) -> list[str]:
    lines = place.lines(run_id)
    return [line.text for line in lines if line.logger == "orchestrator"]


def test_a_parent_that_holds_its_child_s_only_slot_is_explained(place: Place) -> None:
    place.flows(STUCK)
    place.start(definition("deep/test"), limit=2)
    top = place.submit("deep/test", levels=2)
    middle = only_child(place, top)
    bottom = only_child(place, middle)

    assert "never goes on by itself" in eventually(lambda: warnings(place, top), within=60)[0]
    assert eventually(lambda: warnings(place, middle), within=60)
    for run_id in (top, middle, bottom):
        assert explained(place, run_id).code == "standstill"
    assert f"waits for run {middle}" in explained(place, top).sentence
    assert "slots" in explained(place, bottom).notes[0]

    place.start(definition("deep/test"), limit=1)

    assert place.ended(top, within=60).result == "Completed"
    assert len(warnings(place, top)) == 1


@pytest.mark.long
def test_a_circle_of_two_deployments_is_explained(place: Place) -> None:
    place.flows(STUCK)
    place.start(replace(definition("ping/test"), concurrency_limit=1), definition("pong/test"))
    ping = place.submit("ping/test")
    pong = only_child(place, ping)
    again = only_child(place, pong)

    assert eventually(lambda: warnings(place, ping), within=60)
    assert {explained(place, each).code for each in (ping, pong, again)} == {"standstill"}
    place.store.follow(cancel_family(ping, "a person"))
    for each in (ping, pong, again):
        assert place.ended(each, within=60).state is State.CANCELLED


@pytest.mark.long
def test_who_waits_for_what_goes_on_is_not_warned(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("middle", "bottom"), limit=2)
    parent = place.submit("middle/test")
    child = only_child(place, parent)

    eventually(lambda: place.store.call(waited_for(parent)), within=60)

    assert explained(place, parent).code == "running"
    assert f"It waits for run {child}." in explained(place, parent).notes
    assert explained(place, child).code == "running"
    assert warnings(place, parent) == []
    place.store.follow(cancel_family(parent, "a person"))
    assert place.ended(child).state is State.CANCELLED


@pytest.mark.long
def test_a_thousand_children_at_once(place: Place) -> None:
    place.flows(FAMILY)
    place.start(*family("many", "leaf"), limit=16)
    parent = place.submit("many/test", count=1000)
    assert place.ended(parent, within=300).result == [n * n for n in range(1000)]
