"""Asking for runs, and promoting those that were asked for a later time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.model.asked import Asked
from orchestrator.model.errors import DeploymentNotFound, InvalidParameters
from orchestrator.model.states import State
from orchestrator.store import attention, deployments, keys, runs, schedules
from orchestrator.store.doors import MOST_KEPT, Doors
from orchestrator.store.listing import list_runs
from orchestrator.store.requests import Plan, Request
from orchestrator.store.runs import NewRun
from orchestrator.store.submission import IN_ONE_STEP, create_run, create_runs
from orchestrator.store.wanted import Wanted
from tests.store.scene import DEFINITION, FAILED, D, Scene, run_id
from tests.support.keyspace import Client, dump

SOON = 4_102_444_800_000


def test_a_run_that_is_due_waits_in_the_queue(scene: Scene) -> None:
    submitted = scene.submit(parameters='{"who":"ü"}', tags=("a", "b"), created_by="person")

    assert submitted == runs.Submitted("created", run_id())
    run = scene.run()
    assert (run.state, run.attempt, run.parameters) == (State.SCHEDULED, 0, {"who": "ü"})
    assert (run.deployment, run.tags, run.created_by) == ("hello/main", ("a", "b"), "person")
    assert run.created_at == run.scheduled_at
    assert scene.claim().run_id == run_id()


def test_listeners_hear_of_a_new_ticket(scene: Scene) -> None:
    heard = scene.store.listen(keys.control(D))
    scene.submit()

    assert heard.wait(5) == (keys.control(D), "queue")
    assert heard.wait(0) is None
    heard.close()


def test_of_many_runs_at_once_listeners_hear_once_a_step(scene: Scene) -> None:
    heard = scene.store.listen(keys.control(D))
    scene.store.follow(create_runs([Asked(deployment="hello/main")] * (IN_ONE_STEP + 20)))

    assert [heard.wait(5) for _ in range(2)] == [(keys.control(D), "queue")] * 2
    assert heard.wait(0) is None
    assert len(scene.claims(count=500).runs) == IN_ONE_STEP + 20
    heard.close()


def test_many_runs_of_several_deployments_come_in_the_order_asked_for(scene: Scene) -> None:
    other = replace(DEFINITION, name="other")
    scene.store.call(deployments.put_deployment(other))
    names = ["hello/main", "hello/other"] * 3
    asked = [Asked(deployment=each, parameters={"n": n}) for n, each in enumerate(names)]

    made = scene.store.follow(create_runs(asked))

    found = [scene.store.call(runs.read_run(each)) for each in made]
    assert [(run.deployment, run.parameters["n"]) for run in found if run] == [
        (name, n) for n, name in enumerate(names)
    ]
    assert [each.run_id for each in scene.claims(count=9).runs] == made[::2]


def test_large_parameters_make_small_steps(scene: Scene) -> None:
    """A step keeps the server from everybody else: what it moves is bounded."""
    asked = [Asked(deployment="hello/main", parameters={"text": "x" * 400_000})] * 5
    sent = _sent(scene, create_runs(asked))

    assert [len(round_trip) for round_trip in sent if round_trip] == [1, 3]
    assert len(scene.claims(count=9).runs) == 5


def test_one_step_makes_each_run_once(scene: Scene, client: Client) -> None:
    scene.submit("before", idempotency_key="k", parameters='{"a":1}')
    first = NewRun(
        deployment_id=D, run_id=run_id("first"), parameters='{"a":1}', idempotency_key="k"
    )
    known, later = replace(first, run_id=run_id("before")), replace(first, run_id=run_id("later"))
    many = [
        first,
        first,
        replace(first, parameters='{"a":2}'),
        known,
        replace(known, parameters="{}"),
        replace(later, scheduled_at=SOON),
    ]

    words = [each.word for each in scene.store.call(runs.submit_runs(D, many))]

    assert words == ["created", "exists", "conflict", "exists", "conflict", "created"]
    before = dump(client)
    again = [each.word for each in scene.store.call(runs.submit_runs(D, many))]
    assert again == ["exists", "exists", "conflict", "exists", "conflict", "exists"]
    assert dump(client) == before


def test_no_runs_without_their_deployment(scene: Scene, client: Client) -> None:
    client.flushall()
    new = NewRun(deployment_id=D, run_id=run_id(), parameters="{}")

    submitted = scene.store.call(runs.submit_runs(D, [new, new]))

    assert [each.word for each in submitted] == ["no_deployment"] * 2
    assert dump(client) == {}


NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TEXT = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}


def test_a_door_is_read_once(scene: Scene) -> None:
    scene.deploy(parameter_schema=NUMBER)
    doors = Doors()
    asked = Asked(deployment="hello/main", parameters={"n": 1})

    assert len(_sent(scene, create_run(asked, doors=doors))) == 2
    assert len(_sent(scene, create_run(asked, doors=doors))) == 1


def test_a_door_that_was_kept_is_never_the_last_word(scene: Scene, client: Client) -> None:
    """Parameters are checked, and filled in, by what is stored when the run is made."""
    scene.deploy(parameter_schema=NUMBER, parameters={"more": 1})
    doors = Doors()
    old, new = (Asked(deployment="hello/main", parameters={"n": n}) for n in (1, "one"))
    scene.store.follow(create_run(old, doors=doors))
    scene.deploy(parameter_schema=TEXT, parameters={"more": 2}, tags=("new",))
    before = dump(client)

    with pytest.raises(InvalidParameters):
        scene.store.follow(create_run(old, doors=doors))
    assert dump(client) == before
    run = scene.store.follow(create_run(new, doors=doors))
    assert (run.parameters, run.tags) == ({"n": "one", "more": 2}, ("new",))


def test_what_only_the_new_schema_allows_is_taken_at_once(scene: Scene) -> None:
    scene.deploy(parameter_schema=NUMBER)
    doors = Doors()
    scene.store.follow(create_run(Asked(deployment="hello/main", parameters={"n": 1}), doors=doors))
    scene.deploy(parameter_schema=TEXT)

    asked = Asked(deployment="hello/main", parameters={"n": "one"})
    assert scene.store.follow(create_run(asked, doors=doors)).parameters == {"n": "one"}


def test_a_later_run_through_an_old_door_is_checked_anew(scene: Scene) -> None:
    scene.deploy(parameters={"n": 1})
    doors = Doors()
    later = Asked(deployment="hello/main", scheduled_at=datetime(2100, 1, 1, tzinfo=UTC))
    scene.store.follow(create_run(later, doors=doors))
    scene.deploy(parameters={"n": 2})

    assert scene.store.follow(create_run(later, doors=doors)).parameters == {"n": 2}


def test_a_kept_door_of_a_deployment_that_is_gone(scene: Scene) -> None:
    doors = Doors()
    scene.store.follow(create_run(Asked(deployment="hello/main"), doors=doors))
    scene.store.follow(deployments.delete_deployment(D, force=True))

    with pytest.raises(DeploymentNotFound):
        scene.store.follow(create_run(Asked(deployment="hello/main"), doors=doors))


def test_few_doors_are_kept(scene: Scene) -> None:
    doors = Doors()
    scene.store.follow(create_run(Asked(deployment="hello/main"), doors=doors))
    door = doors.kept(D)
    assert door is not None
    for number in range(MOST_KEPT):
        other = replace(DEFINITION, name=f"other {number}")
        scene.store.call(deployments.put_deployment(other))
        asked = Asked(deployment=other.full_name)
        scene.store.follow(create_run(asked, doors=doors))

    assert doors.kept(D) is None


def test_the_same_run_twice_is_one_run(scene: Scene, client: Client) -> None:
    scene.submit(idempotency_key="k", parameters='{"a":1,"b":2}')
    before = dump(client)

    assert scene.submit(idempotency_key="k", parameters='{"b": 2, "a": 1}').word == "exists"
    assert scene.submit(idempotency_key="k", parameters='{"a":2}').word == "conflict"
    assert dump(client) == before


def test_no_run_without_its_deployment(scene: Scene, client: Client) -> None:
    client.flushall()

    assert scene.submit().word == "no_deployment"
    assert dump(client) == {}


def test_a_later_run_is_delayed_and_promoted_when_due(scene: Scene, client: Client) -> None:
    new = NewRun(deployment_id=D, run_id=run_id(), parameters="{}", scheduled_at=SOON)
    assert scene.store.follow(runs.submit_later(new)).word == "created"
    assert scene.store.call(attention.next_attention()) == SOON
    assert scene.claims().runs == ()
    assert scene.store.call(schedules.promote_delayed(D)) == schedules.Promoted(0, SOON)

    client.zadd(keys.delayed(D), {run_id(): 1})
    assert scene.store.call(schedules.promote_delayed(D)) == schedules.Promoted(1, None)
    assert scene.store.call(schedules.promote_delayed(D)) == schedules.Promoted(0, None)
    assert scene.claim().run_id == run_id()


def test_lists_show_the_newest_first(scene: Scene) -> None:
    for name in ("a", "b", "c"):
        scene.submit(name)
    scene.finish(scene.claim())

    def listed(**wanted: Any) -> set[str]:
        return {run.id for run in scene.store.follow(list_runs(wanted=Wanted(**wanted)))}

    assert listed() == {run_id("a"), run_id("b"), run_id("c")}
    assert listed(states={State.COMPLETED}) == {run_id("a")}
    assert listed(states=[State.COMPLETED, "Scheduled"]) == listed()
    assert listed(deployment="hello/other") == set()
    newest = scene.store.follow(list_runs(limit=2))
    assert len(newest) == 2
    assert newest[0].created_at >= newest[1].created_at


def test_lists_by_tags_and_time(scene: Scene) -> None:
    for name, tags in {"a": ("one",), "b": ("one", "two"), "c": ()}.items():
        scene.submit(name, tags=tags)
    created = scene.run("b").created_at

    def listed(**wanted: Any) -> set[str]:
        return {run.id for run in scene.store.follow(list_runs(wanted=Wanted(**wanted)))}

    assert listed(tags=["one"]) == {run_id("a"), run_id("b")}
    assert listed(tags=["two", "one"]) == {run_id("b")}
    assert listed(tags=["three"]) == set()
    assert {run_id("b"), run_id("c")} <= listed(since_ms=created)
    assert listed(since_ms=created + 60_000) == set()


def test_a_retry_and_what_it_retries_know_each_other(scene: Scene, client: Client) -> None:
    scene.finish(scene.running("first"), FAILED)
    lives = client.pttl(keys.run(run_id("first")))

    assert scene.submit("again", retry_of=run_id("first")).word == "created"
    assert scene.run("again").retry_of == run_id("first")
    assert scene.run("first").retried_as == run_id("again")
    assert 0 < client.pttl(keys.run(run_id("first"))) <= lives
    before = dump(client)
    assert scene.submit("again", retry_of=run_id("first")).word == "exists"
    assert dump(client) == before


def test_a_retry_of_a_run_that_is_gone_leaves_no_trace_of_that(
    scene: Scene, client: Client
) -> None:
    assert scene.submit("again", retry_of=run_id("gone")).word == "created"
    assert not client.exists(keys.run(run_id("gone")))


def test_a_run_that_never_was_is_none(scene: Scene) -> None:
    assert scene.store.call(runs.read_run(run_id("never"))) is None


def _sent(scene: Scene, plan: Plan[Any]) -> list[list[Request[Any]]]:
    """The requests of each round trip that the plan takes."""
    sent: list[list[Request[Any]]] = []

    def noted() -> Plan[Any]:
        replies: list[Any] | None = None
        while True:
            try:
                requests = next(plan) if replies is None else plan.send(replies)
            except StopIteration as end:
                return end.value
            sent.append(list(requests))
            replies = yield requests

    scene.store.follow(noted())
    return sent
