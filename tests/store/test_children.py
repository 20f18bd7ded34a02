"""Runs that runs asked for: known to their parent first, and cancelled with it. I23."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.asked import Asked
from orchestrator.model.clock import SystemClock
from orchestrator.model.errors import LeaseLost
from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store import attention, children, keys, leases, runs, schedules, standstill
from orchestrator.store.leases import Claimed
from orchestrator.store.listing import list_runs, page_of_runs
from orchestrator.store.requests import Plan
from orchestrator.store.submission import create_child, name_run
from orchestrator.store.wanted import Wanted
from tests.store.scene import DONE, FAILED, RUNNER, D, Scene, run_id
from tests.support.keyspace import Client, dump

FAR_MS = 4_102_444_800_000
STOPPED = (State.CANCELLING, State.CANCELLED)


def ask(scene: Scene, parent: Claimed, name: str, **fields: Any) -> Run:
    """What the runner of ``parent`` does when that asks for a run."""
    asked = Asked(
        deployment="hello/main",
        idempotency_key=name,
        parent=parent.run_id,
        depth=parent.depth + 1,
        **fields,
    )
    plan = create_child(asked, parent.token, name_run(asked, SystemClock()))
    return scene.store.follow(plan)


def duties(scene: Scene) -> tuple[RunId, ...]:
    return scene.store.call(leases.look(D, RUNNER)).parting


def test_parent_and_child_know_each_other(scene: Scene) -> None:
    parent = scene.running("parent")

    first = ask(scene, parent, "first")
    ask(scene, parent, "second")

    assert (first.parent, first.depth, first.children) == (run_id("parent"), 1, 0)
    assert scene.run("parent").children == 2
    assert (scene.run("parent").parent, scene.run("parent").depth) == (None, 0)
    claimed = scene.claim()
    assert (claimed.run_id, claimed.parent, claimed.depth) == (run_id("first"), run_id("parent"), 1)


def test_children_are_listed_as_other_runs_are(scene: Scene) -> None:
    parent = scene.running("parent")
    scene.submit("stranger")
    for name, tags in (("a", ()), ("b", ("t",)), ("c", ("t",))):
        ask(scene, parent, name, tags=tags)

    def listed(limit: int = 50, **wanted: Any) -> list[str]:
        plan = list_runs(limit, Wanted(parent=run_id("parent"), **wanted))
        return [each.id for each in scene.store.follow(plan)]

    assert listed() == [run_id("c"), run_id("b"), run_id("a")]
    assert listed(1) == [run_id("c")]
    assert listed(tags=["t"]) == [run_id("c"), run_id("b")]
    assert listed(states=["Running"]) == []
    assert listed(deployment="hello/main") == listed()
    assert listed(deployment="hello/other") == []
    assert listed(since_ms=scene.run("c").created_at + 60_000) == []
    assert listed(until_ms=scene.run("a").created_at) == []
    first = scene.store.follow(page_of_runs(2, Wanted(parent=run_id("parent"))))
    assert first.next is not None
    rest = scene.store.follow(page_of_runs(2, Wanted(parent=run_id("parent")), first.next))
    assert [each.id for each in (*first.items, *rest.items)] == listed()
    assert rest.next is None


def test_asking_again_after_a_lost_answer_makes_one_child(scene: Scene, client: Client) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")
    before = dump(client)

    ask(scene, parent, "child")

    assert dump(client) == before


def test_who_lost_its_lease_asks_for_nothing(scene: Scene, client: Client) -> None:
    parent = scene.running("parent")
    scene.release(parent)
    before = dump(client)

    with pytest.raises(LeaseLost):
        ask(scene, parent, "child")

    unknown = children.link_child(run_id("never"), parent.token, run_id("child"))
    assert scene.store.call(unknown) == "gone"
    assert dump(client) == before


def test_a_cancel_takes_the_children_along_and_theirs(scene: Scene) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")
    ask(scene, parent, "waiting")
    child = scene.claim()
    scene.start(child)
    ask(scene, child, "grandchild")

    word = scene.store.follow(children.cancel_family(run_id("parent"), "a person"))

    assert word == "cancelling"
    assert scene.state("parent") is State.CANCELLING
    assert scene.state("child") is State.CANCELLING
    assert scene.state("waiting") is State.CANCELLED
    assert scene.state("grandchild") is State.CANCELLED
    assert scene.run("grandchild").reason == f"cancelled by its parent {run_id('child')}"
    assert duties(scene) == ()


def test_a_duty_that_nobody_has_done_is_found(scene: Scene) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")
    scene.cancel("parent")  # whoever cancelled died right after

    assert duties(scene) == (run_id("parent"),)
    assert scene.store.call(schedules.agenda(D)).parting == (run_id("parent"),)
    assert scene.state("child") is State.SCHEDULED
    assert scene.store.follow(children.stop_children(run_id("parent"))) == 1
    assert scene.state("child") is State.CANCELLED
    assert duties(scene) == ()


def test_every_step_of_a_cancel_may_be_the_last(scene: Scene) -> None:
    """Whoever dies after any step has told the scheduler where there is still something to do."""
    done, steps = False, 0
    while not done:
        steps += 1
        names = [f"{who} {steps}" for who in ("parent", "child", "grandchild")]
        parent = scene.running(names[0])
        ask(scene, parent, names[1])
        ask(scene, scene.claim(), names[2])
        scene.store.call(attention.raise_attention(D, None))

        done = follow_some(scene, children.cancel_family(parent.run_id, "a person"), steps)

        left = duties(scene)
        noted = scene.store.call(attention.due_attention(FAR_MS, 10))
        assert not left or [d for d, _ in noted] == [D], f"after {steps} steps"
        for each in left:
            scene.store.follow(children.stop_children(each))
        assert {scene.run(name).state in STOPPED for name in names} == {steps > 2}
        scene.store.follow(children.cancel_family(parent.run_id, "a person"))
    assert steps > 5


def follow_some(scene: Scene, plan: Plan[Any], steps: int) -> bool:
    """Execute so many steps of a plan; whether that was all of it."""
    requests = next(plan)
    for _ in range(steps):
        replies = scene.store.call_all(requests)
        try:
            requests = plan.send(replies)
        except StopIteration:
            return True
    return False


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        (State.COMPLETED, False),
        (State.FAILED, False),
        (State.CRASHED, False),
        (State.TIMED_OUT, True),
        (State.CANCELLED, True),
    ],
)
def test_which_ends_take_the_children_along(scene: Scene, state: State, parts: bool) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")

    scene.finish(parent, replace(DONE, state=state))

    assert duties(scene) == ((run_id("parent"),) if parts else ())
    assert scene.store.call(children.parted(run_id("parent"))) is parts


def test_what_a_run_waits_for_is_noted_by_its_own_runner(scene: Scene, client: Client) -> None:
    parent = scene.running("parent")
    child = ask(scene, parent, "child").id
    note = standstill.note_waiting(run_id("parent"), parent.token, [child])

    assert scene.store.call(note) == "ok"
    assert scene.store.call(standstill.waited_for(run_id("parent"))) == (child,)
    scene.release(parent)
    before = dump(client)
    assert scene.store.call(note) == "lease_lost"
    assert scene.store.call(standstill.note_waiting(run_id("never"), "1.x", [])) == "gone"
    assert dump(client) == before
    scene.claims(1)
    assert scene.store.call(standstill.waited_for(run_id("parent"))) == ()


def test_a_retry_after_a_time_limit_keeps_the_children(scene: Scene) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")

    scene.finish(parent, replace(FAILED, state=State.TIMED_OUT, retries=1))

    assert duties(scene) == ()
    assert {each.run_id: each.children for each in scene.claims(2).runs} == {
        run_id("parent"): 1,
        run_id("child"): 0,
    }


def test_a_dead_runner_leaves_the_duty_too(scene: Scene) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")
    scene.cancel("parent")
    scene.store.follow(children.stop_children(run_id("parent")))
    ask(scene, parent, "from a finally block")
    assert duties(scene) == (), "what it asks for to clean up is not cancelled while it lives"

    assert scene.reap(parent) == "cancelled"

    assert duties(scene) == (run_id("parent"),)
    assert scene.store.follow(children.stop_children(run_id("parent"))) == 1
    assert scene.state("from a finally block") is State.CANCELLED


def test_a_handed_back_run_that_was_cancelled_leaves_the_duty_too(scene: Scene) -> None:
    parent = scene.running("parent")
    scene.cancel("parent")
    ask(scene, parent, "child")

    assert scene.release(parent) == "cancelled"
    assert duties(scene) == (run_id("parent"),)
    scene.store.follow(children.stop_children(run_id("parent")))


def test_what_comes_while_a_duty_is_done_is_done_too(scene: Scene) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "first")
    scene.cancel("parent")
    plan = children.stop_children(run_id("parent"))
    requests = next(plan)
    while not any(each.script and each.script.name == "settle_children" for each in requests):
        requests = plan.send(scene.store.call_all(requests))
    ask(scene, parent, "second")
    scene.release(parent)

    assert scene.store.call_all(requests) == ["more"]
    assert scene.store.follow(children.stop_children(run_id("parent"))) == 1
    assert scene.state("second") is State.CANCELLED
    assert duties(scene) == ()


def test_a_run_that_another_asked_for_first_is_not_cancelled(scene: Scene) -> None:
    """The same idempotency key gives both the same run: it is the child of the first only."""
    parent = scene.running("parent")
    scene.submit("of a person", idempotency_key="of a person")
    ask(scene, parent, "of a person")

    scene.store.follow(children.cancel_family(run_id("parent"), "a person"))

    assert scene.run("parent").children == 1
    assert not scene.run("of a person").is_final


def test_the_names_of_children_go_with_the_record(scene: Scene, client: Client) -> None:
    parent = scene.running("parent")
    ask(scene, parent, "child")
    scene.finish(parent)
    assert client.pttl(keys.children(run_id("parent"))) > 0

    assert scene.store.call(runs.delete_run(run_id("parent"))) == "ok"

    assert not client.exists(keys.children(run_id("parent")))
    assert scene.run("child").parent == run_id("parent")
