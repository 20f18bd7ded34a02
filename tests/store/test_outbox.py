"""Outboxes: every change is told in the step that makes it, and copied once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.ids import RunnerId
from orchestrator.store import deployments, events, keys, runners, runs, schedule_edits
from orchestrator.store.outbox import (
    Mark,
    Pulled,
    append_events,
    copied_mark,
    drop_outbox,
    pull_events,
)
from tests.store.scene import FAILED, NIGHTLY, D, Scene, run_id
from tests.support import eventually
from tests.support.keyspace import Client


def told(client: Client) -> list[str]:
    """What lies in the outbox, by name; it is empty then."""
    entries = client.xrange(keys.outbox(D))
    client.xtrim(keys.outbox(D), maxlen=0, approximate=False)
    return [fields["event"] for _, fields in entries]


def pulled(scene: Scene, copied: Mark | None = None) -> Pulled:
    return scene.store.call(pull_events(D, copied or Mark()))


def copy(scene: Scene) -> None:
    """As a scheduler does it."""
    while True:
        copied = scene.store.call(copied_mark(D))
        page = pulled(scene, copied)
        if not page.events:
            return
        assert scene.store.call(append_events(D, copied, page)) == "ok"


def test_a_run_tells_each_of_its_states(scene: Scene, client: Client) -> None:
    told(client)
    claimed = scene.running()
    scene.store.call_all([runs.pause_run(run_id(), "me"), runs.resume_run(run_id(), "me")])
    scene.finish(claimed)

    states = ["Scheduled", "Pending", "Running", "Paused", "Running", "Completed"]
    assert told(client) == [f"run.{state}" for state in states]


def _hold(scene: Scene) -> Any:
    return scene.store.call(deployments.hold_deployment(D, True, "me"))


def _release(scene: Scene) -> Any:
    return scene.store.call(deployments.hold_deployment(D, False, "me"))


def _pause(scene: Scene) -> Any:
    return scene.store.follow(deployments.pause_deployment(D, "user"))


def _resume(scene: Scene) -> Any:
    return scene.store.follow(deployments.resume_deployment(D))


def _put(scene: Scene) -> Any:
    return scene.deploy(tags=("new",))


def _schedule(scene: Scene) -> Any:
    return scene.store.follow(schedule_edits.put_schedule(D, NIGHTLY, edit=False))


def _edit(scene: Scene) -> Any:
    changed = replace(NIGHTLY, expression="0 4 * * *")
    return scene.store.follow(schedule_edits.put_schedule(D, changed, edit=True))


def _pause_schedule(scene: Scene) -> Any:
    return scene.store.follow(schedule_edits.pause_schedule(D, "nightly"))


def _resume_schedule(scene: Scene) -> Any:
    return scene.store.follow(schedule_edits.resume_schedule(D, "nightly"))


def _delete_schedule(scene: Scene) -> Any:
    return scene.store.follow(schedule_edits.delete_schedule(D, "nightly"))


def _register(scene: Scene) -> Any:
    return scene.store.call(runners.register_runner(D, RunnerId("b"), "{}"))


def _drain(scene: Scene) -> Any:
    return scene.store.follow(runners.drain_runner(RunnerId("b"), "me"))


def _leave(scene: Scene) -> Any:
    return scene.store.call(runners.leave_runner(D, RunnerId("b"), False))


def _drop(scene: Scene) -> Any:
    return scene.store.call(runners.drop_runner(D, RunnerId("runner-a"), 0))


def _delete(scene: Scene) -> Any:
    return scene.store.follow(deployments.delete_deployment(D, force=True))


CHANGES: list[tuple[Callable[[Scene], Any], list[str]]] = [
    (_hold, ["deployment.held"]),
    (_release, ["deployment.released"]),
    (_pause, ["deployment.paused"]),
    (_resume, ["deployment.resumed"]),
    (_put, ["deployment.updated"]),
    (_schedule, ["schedule.created"]),
    (_edit, ["schedule.updated"]),
    (_pause_schedule, ["schedule.paused"]),
    (_resume_schedule, ["schedule.resumed"]),
    (_delete_schedule, ["schedule.paused", "schedule.deleted"]),
    (_register, ["runner.registered"]),
    (_drain, ["runner.draining"]),
    (_leave, ["runner.left"]),
    (_drop, ["runner.lost"]),
    (_delete, ["deployment.deleted"]),
]


def test_each_change_is_told_once(scene: Scene, client: Client) -> None:
    assert told(client) == ["deployment.created", "runner.registered"]
    for change, names in CHANGES:
        change(scene)
        assert told(client) == names, change
        if change not in (_delete, _put):  # put registers again
            change(scene)
        assert told(client) == [], f"{change}: nothing has changed the second time"


def test_what_is_copied_leaves_the_outbox(scene: Scene, client: Client) -> None:
    claimed = scene.running(tags='["a"]', created_by="run:parent")
    scene.finish(claimed, replace(FAILED, error='{"type": "ValueError", "message": "no"}'))

    copy(scene)

    assert client.xlen(keys.outbox(D)) == 0
    failed, *_, created = scene.store.follow(events.list_events())
    assert (failed.event, created.event) == ("run.Failed", "deployment.created")
    assert failed.resource == {
        "id": claimed.run_id,
        "name": claimed.run_id[-8:],
        "kind": "run",
        "deployment": "hello/main",
        "flow": "hello",
    }
    assert failed.payload == {
        "state": "Failed",
        "attempt": 1,
        "runner": "runner-a",
        "reason": "it broke",
        "error": {"type": "ValueError", "message": "no"},
    }
    roles = [(each["role"], each["id"]) for each in failed.related]
    assert {("deployment", "hello/main"), ("run", "parent"), ("runner", "runner-a")} <= set(roles)
    assert failed.id.startswith(D)
    assert failed.occurred == failed.received <= int(failed.position.partition("-")[0])


def test_two_copy_once(scene: Scene) -> None:
    page = pulled(scene)
    assert scene.store.call(append_events(D, Mark(), page)) == "ok"
    assert scene.store.call(append_events(D, Mark(), page)) == "stale"

    names = [event.event for event in scene.store.follow(events.list_events())]
    assert names == ["runner.registered", "deployment.created"]


def test_who_dies_after_copying_copies_nothing_again(scene: Scene) -> None:
    scene.store.call(append_events(D, Mark(), pulled(scene)))
    scene.submit()

    copy(scene)

    names = [event.event for event in scene.store.follow(events.list_events())]
    assert names == ["run.Scheduled", "runner.registered", "deployment.created"]


def test_what_was_lost_is_counted(scene: Scene, client: Client) -> None:
    copy(scene)
    for number in range(5):
        scene.submit(str(number))
    client.xtrim(keys.outbox(D), maxlen=2, approximate=False)

    copy(scene)

    newest = scene.store.follow(events.list_events(3))
    assert [event.event for event in newest] == ["run.Scheduled", "run.Scheduled", "outbox.dropped"]
    assert newest[-1].payload == {"count": 3}


@pytest.mark.damages_keys
def test_an_outbox_that_was_deleted_begins_anew(scene: Scene, client: Client) -> None:
    copy(scene)
    client.delete(keys.outbox(D))
    # Within one millisecond a new stream gives out the ids of the old one again.
    deleted = client.time()
    eventually(lambda: client.time() >= (deleted[0], deleted[1] + 1000))
    scene.submit()

    copy(scene)

    assert scene.store.follow(events.list_events(1))[0].event == "run.Scheduled"


def test_the_outbox_of_a_deleted_deployment_goes_when_it_was_copied(
    scene: Scene, client: Client
) -> None:
    scene.submit()
    scene.store.follow(deployments.delete_deployment(D, force=True))
    scene.store.follow(drop_outbox(D))
    page = pulled(scene)
    assert page.gone
    assert client.exists(keys.outbox(D)), "kept: not everything was copied"

    copy(scene)
    scene.store.follow(drop_outbox(D))

    assert not client.exists(keys.outbox(D))
    assert client.hgetall(keys.EVENTS_COPIED) == {}
    (deleted,) = scene.store.follow(events.list_events(1))
    assert (deleted.event, deleted.resource["id"]) == ("deployment.deleted", "hello/main")


def test_an_event_in_the_feed_is_what_its_record_says(scene: Scene) -> None:
    copy(scene)
    (event,) = scene.store.follow(events.list_events(1))

    assert json.loads(json.dumps(event.to_json()))["resource"] == {
        "id": "runner-a",
        "name": "runner-a",
        "kind": "runner",
        "deployment": "hello/main",
        "flow": "hello",
    }


def test_a_listener_is_told_of_an_empty_outbox_only(scene: Scene, client: Client) -> None:
    heard = client.pubsub()
    heard.subscribe(keys.OUTBOX_NEWS)
    heard.get_message(timeout=5)
    client.xtrim(keys.outbox(D), maxlen=0, approximate=False)

    scene.submit("one")
    scene.submit("two")
    client.xtrim(keys.outbox(D), maxlen=0, approximate=False)
    scene.submit("three")

    messages = [heard.get_message(timeout=5)["data"] for _ in range(2)]
    assert messages == [D, D]
    assert heard.get_message(timeout=0.05) is None
    heard.close()
