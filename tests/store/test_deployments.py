"""Putting, reading, pausing and resuming deployments; I10."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.states import State
from orchestrator.store import attention, deployments, keys, schedule_edits, schedules
from orchestrator.store.caller import Store
from orchestrator.store.deployments import PauseReply, Put
from orchestrator.store.schedules import Occurrence
from tests.store.scene import DEFINITION, NIGHTLY, D, Scene, run_id, tick_schedule
from tests.support.keyspace import Client, dump

HOURLY = ScheduleDefinition(slug="hourly", kind="interval", expression="3600", timezone="UTC")


def test_a_deployment_comes_back_as_it_was_put(store: Store) -> None:
    definition = replace(
        DEFINITION,
        version="v1",
        tags=("a",),
        parameters={"who": "ü"},
        parameter_schema={"type": "object"},
        concurrency_limit=3,
        retention_days=0.5,
        schedules=(NIGHTLY,),
    )
    assert store.follow(deployments.read_deployment(D)) is None
    assert not store.call(deployments.deployment_exists(D))
    assert store.call(deployments.put_deployment(definition)) == Put("created", ())
    store.call(deployments.announce_deployment(D))

    assert store.call(deployments.deployment_exists(D))
    found = store.follow(deployments.read_deployment(D))
    assert found is not None
    assert (found.name, found.flow, found.version) == ("hello/main", "hello", "v1")
    assert (found.parameters, found.tags, found.concurrency_limit) == ({"who": "ü"}, ("a",), 3)
    assert found.retention_days == 0.5
    assert (found.paused, found.paused_by, found.held) == (False, None, False)
    assert found.options == DEFINITION.options
    (schedule,) = found.schedules
    assert (schedule.definition, schedule.origin, schedule.generation) == (NIGHTLY, "code", 1)
    assert store.follow(deployments.list_deployments()) == [found]


def test_putting_the_same_again_changes_nothing(scene: Scene, client: Client) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    before = dump(client)
    same = replace(DEFINITION, schedules=(NIGHTLY,))

    assert scene.store.call(deployments.put_deployment(same)) == Put("unchanged", ())
    assert dump(client) == before


def test_a_change_is_said(scene: Scene) -> None:
    scene.deploy(version="a", schedules=(NIGHTLY, HOURLY))
    changed = replace(
        DEFINITION,
        version="b",
        retention_days=3,
        tags=("new",),
        schedules=(replace(NIGHTLY, expression="0 4 * * *"), replace(HOURLY, slug="other")),
    )

    put = scene.store.call(deployments.put_deployment(changed))
    assert put.word == "updated"
    assert set(put.changes) == {
        "version a -> b",
        "retention_days none -> 3",
        "tags changed",
        "schedule hourly removed",
        "schedule nightly changed",
        "schedule other added",
    }
    records = scene.store.call(schedules.agenda(D)).schedules
    assert {r.definition.slug: r.generation for r in records} == {"nightly": 2, "other": 1}


def test_schedules_of_a_person_stay(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY, HOURLY))
    edited = replace(NIGHTLY, expression="0 7 * * *")
    mine = replace(HOURLY, slug="mine")
    scene.store.follow(schedule_edits.put_schedule(D, edited, edit=True))
    scene.store.follow(schedule_edits.put_schedule(D, mine, edit=False))

    again = replace(DEFINITION, schedules=(replace(NIGHTLY, expression="0 5 * * *"), HOURLY))
    put = scene.store.call(deployments.put_deployment(again))

    assert (put.word, put.changes) == ("unchanged", ())
    assert put.kept == (
        "schedule mine stays: a person made it",
        "schedule nightly stays: a person edited it",
    )
    records = scene.store.call(schedules.agenda(D)).schedules
    assert [r.definition for r in records] == [HOURLY, mine, edited]
    assert [(r.origin, r.edited) for r in records] == [
        ("code", False),
        ("user", False),
        ("code", True),
    ]


def tick(scene: Scene, *names: str) -> str:
    (rule,) = scene.store.call(schedules.agenda(D)).schedules
    due = rule.cursor_ms + 1
    made = [Occurrence(run_id=run_id(n), due_ms=1, parameters="{}", late=False) for n in names]
    request = tick_schedule("nightly", rule.generation, rule.cursor_ms, due, None, made)
    (word,) = scene.store.call(request)
    return word


def test_a_pause_skips_what_schedules_left_waiting(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    assert tick(scene, "begun", "waits") == "ok"
    begun = scene.claim()
    scene.submit("asked")

    pause = deployments.pause_deployment(D, "user")
    assert scene.store.follow(pause) == PauseReply("ok", 1)
    assert (scene.state("waits"), scene.run("waits").reason) == (State.SKIPPED, "paused")
    assert begun.run_id == run_id("begun")
    assert scene.start(begun) == "ok", "a pause never refuses a start"
    assert scene.claim().run_id == run_id("asked"), "nor a claim"
    assert tick(scene, "never") == "paused"
    again = scene.store.follow(deployments.pause_deployment(D, "shutdown"))
    assert again == PauseReply("unchanged", 0)
    found = scene.store.follow(deployments.read_deployment(D))
    assert found is not None
    assert (found.paused, found.paused_by) == (True, "user")


def test_a_pause_goes_through_any_number_of_waiting_runs(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    names = [str(number) for number in range(450)]
    for start in range(0, 450, 90):
        assert tick(scene, *names[start : start + 90]) == "ok"
    for number in range(210):
        scene.submit(f"later-{number}", scheduled_at=4_102_444_800_000)

    assert scene.store.follow(deployments.pause_deployment(D, "user")) == PauseReply("ok", 450)


def test_what_a_pause_swallowed_is_not_missed(scene: Scene, client: Client) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    scene.store.follow(deployments.pause_deployment(D, "user"))
    client.hset(keys.schedules(D), mapping={"nightly:cursor": 1, "nightly:next": 2})

    assert scene.store.follow(deployments.resume_deployment(D)) == "ok"
    seen = scene.store.call(schedules.agenda(D))
    (rule,) = seen.schedules
    assert not seen.paused
    assert 0 <= seen.now_ms - rule.cursor_ms < 60_000
    assert rule.next_ms is None
    assert scene.store.call(attention.due_attention(seen.now_ms, 10)) == [(D, 0)]
    assert scene.store.follow(deployments.resume_deployment(D)) == "unchanged"


def test_serving_again_ends_a_pause_of_a_shutdown_only(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    scene.store.follow(deployments.pause_deployment(D, "shutdown"))
    put = scene.store.call(deployments.put_deployment(replace(DEFINITION, schedules=(NIGHTLY,))))
    assert put == Put("updated", ("paused no longer",))

    scene.store.follow(deployments.pause_deployment(D, "user"))
    scene.deploy(schedules=(NIGHTLY,))
    assert scene.store.call(schedules.agenda(D)).paused
    scene.deploy(schedules=(NIGHTLY,), paused=False)
    assert not scene.store.call(schedules.agenda(D)).paused
    put = scene.store.call(deployments.put_deployment(replace(DEFINITION, paused=True)))
    assert "paused by code" in put.changes
    assert scene.store.call(schedules.agenda(D)).paused


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_no_pause_of_a_deployment_that_is_gone(scene: Scene, client: Client, verb: str) -> None:
    client.flushall()
    if verb == "pause":
        pause = deployments.pause_deployment(D, "user")
        assert scene.store.follow(pause) == PauseReply("gone", 0)
    else:
        assert scene.store.follow(deployments.resume_deployment(D)) == "gone"
    assert client.exists(keys.deployment(D)) == 0
