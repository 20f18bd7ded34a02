"""Asking for runs, and promoting those that were asked for a later time."""

from __future__ import annotations

from typing import Any

from orchestrator.model.asked import Asked
from orchestrator.model.states import State
from orchestrator.store import attention, keys, runs, schedules
from orchestrator.store.listing import list_runs
from orchestrator.store.runs import NewRun
from orchestrator.store.submission import create_runs
from orchestrator.store.wanted import Wanted
from tests.store.scene import FAILED, D, Scene, run_id
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


def test_of_many_runs_at_once_listeners_hear_of_the_first_and_the_last(scene: Scene) -> None:
    heard = scene.store.listen(keys.control(D))
    scene.store.follow(create_runs([Asked(deployment="hello/main")] * 20))

    assert [heard.wait(5) for _ in range(2)] == [(keys.control(D), "queue")] * 2
    assert heard.wait(0) is None
    assert len(scene.claims(count=64).runs) == 20
    heard.close()


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
