"""Triggers through real schedulers: outboxes, feed, firing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from orchestrator.model.evaluation import MOST_DEPTH
from orchestrator.model.event import Event, emitted
from orchestrator.model.ids import (
    DeploymentId,
    RunId,
    RunnerId,
    deployment_id,
    idempotent_run_id,
    new_nonce,
)
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store import events, keys, leases, runners, runs
from orchestrator.store.deployments import delete_deployment, read_deployment
from orchestrator.store.requests import Request, command
from orchestrator.store.triggers import enable_trigger, read_armed
from orchestrator.triggers import EventTrigger, with_names
from tests.scheduler.scheduling import Place
from tests.support import eventually


def outbox_exists(d: DeploymentId) -> Request[bool]:
    return command(bool, "EXISTS", keys.outbox(d))


def emit(place: Place, name: str, resource: str | Mapping[str, str] = "it", **given: Any) -> Event:
    return place.store.call(events.emit_event(emitted(name, resource, **given)))


def deploy(place: Place, name: str, *triggers: EventTrigger, **options: Any) -> None:
    place.deploy(name=name, triggers=with_names(triggers), **options)


def made(place: Place, name: str, count: int = 1) -> list[Run]:
    """Its runs, when there are so many."""
    return eventually(
        lambda: found if len(found := place.runs(name)) >= count else None,
        within=30,
        why=f"{name} has {count} runs",
    )


def complete(place: Place, name: str, key: str, result: str = "1") -> RunId:
    """A run that was asked for and has completed."""
    d = place.deploy(name=name)
    runner = RunnerId("runner")
    run_id = idempotent_run_id(d, key)
    place.store.call(runners.register_runner(d, runner, "{}"))
    place.store.call(runs.submit_run(runs.NewRun(deployment_id=d, run_id=run_id, parameters="{}")))
    (claimed,) = place.store.call(
        leases.claim_runs(
            d, runner=runner, host="h", version="1", nonce=new_nonce(), count=1, lease_ms=30_000
        )
    ).runs
    place.store.call(leases.start_run(run_id, claimed.token, 1))
    outcome = leases.Outcome(state=State.COMPLETED, result=result)
    place.store.call(leases.finish_run(run_id, claimed.token, outcome))
    return run_id


def test_a_run_follows_another_ones_completion(place: Place) -> None:
    place.start()
    deploy(
        place,
        "report/daily",
        EventTrigger.after_completion(
            "etl/nightly", parameters={"rows": "{{ run.result }}", "of": "run {{ run.id }}"}
        ),
    )

    run_id = complete(place, "etl/nightly", "one", result='{"rows": [1, 2.5, "3"]}')

    (run,) = made(place, "report/daily")
    assert run.parameters == {"rows": {"rows": [1, 2.5, "3"]}, "of": f"run {run_id}"}
    assert (run.created_by, run.depth) == ("trigger:trigger-1", 1)
    cause = place.store.follow(events.find_event(str(run.event)))
    assert cause is not None
    assert (cause.event, cause.resource["id"]) == ("run.Completed", run_id)
    assert cause.resource["deployment"] == "etl/nightly"


def failing(place: Place, name: str, trigger: str) -> str | None:
    found = place.store.follow(read_deployment(deployment_id(name)))
    assert found is not None
    (record,) = [each for each in found.triggers if each.definition.name == trigger]
    return record.error


def test_a_threshold_for_each(place: Place) -> None:
    place.start()
    counting = EventTrigger(
        expect="door.*",
        match={"house": "home"},
        for_each="id",
        threshold=2,
        parameters={"door": "{{ event.resource.id }}", "n": "{{ event.payload.n }}"},
        name="twice",
    )
    deploy(place, "alarm/ring", counting)
    for number, door in enumerate(["front", "back", "back", "side", "front", "back"]):
        emit(place, "door.opened", {"id": door, "house": "home"}, payload={"n": number})
        emit(place, "door.opened", {"id": door, "house": "other"})

    runs = made(place, "alarm/ring", 2)

    assert sorted((r.parameters["door"], r.parameters["n"]) for r in runs) == [
        ("back", 2),
        ("front", 4),
    ]
    emit(place, "door.closed", {"id": "side", "house": "home"}, payload={"n": 6})
    assert {r.parameters["door"] for r in made(place, "alarm/ring", 3)} == {"back", "front", "side"}


def test_what_was_counted_survives_schedulers_and_serving_again(place: Place) -> None:
    first = place.start()
    twice = EventTrigger(expect="rain", threshold=3, within=600, name="wet")
    deploy(place, "umbrella/open", twice)
    emit(place, "rain")
    emit(place, "rain")
    d = deployment_id("umbrella/open")
    eventually(
        lambda: [len(p.times) for p in place.store.follow(read_armed(d)).progress.values()] == [2],
        within=30,
        why="both are counted",
    )
    first.kill()
    deploy(place, "umbrella/open", twice, tags=("again",))
    emit(place, "rain")
    place.start()

    (run,) = made(place, "umbrella/open")

    assert run.tags == ("again",)


def test_silence_fires_once(place: Place) -> None:
    place.start()
    deploy(
        place,
        "alarm/calm",
        EventTrigger.after_silence(
            1, expect="beat", for_each="id", parameters={"id": "{{ event.resource.id }}"}
        ),
        EventTrigger.after_silence(3600, expect="beat", name="patient"),
    )
    emit(place, "beat", "a")
    emit(place, "beat", "b")

    runs = made(place, "alarm/calm", 2)

    assert sorted(run.parameters["id"] for run in runs) == ["a", "b"]
    assert {run.created_by for run in runs} == {"trigger:trigger-1"}
    assert {run.depth for run in runs} == {1}
    emit(place, "beat", "a")
    assert made(place, "alarm/calm", 3)[2].parameters == {"id": "a"}


def test_nothing_ever_came(place: Place) -> None:
    deploy(place, "alarm/never", EventTrigger.after_silence(1, expect="beat"))
    place.start()

    (run,) = made(place, "alarm/never")

    assert run.event is None


def test_a_firing_that_makes_no_run_is_told(place: Place) -> None:
    place.start()
    schema = {"properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    deploy(
        place,
        "strict/one",
        EventTrigger(expect="x", parameters={"n": "{{ event.payload.n }}"}, name="t"),
        parameter_schema=schema,
    )
    emit(place, "x", payload={"m": 1})
    eventually(lambda: failing(place, "strict/one", "t"), within=30, why="told")
    assert "has no attribute 'n'" in str(failing(place, "strict/one", "t"))

    emit(place, "x", payload={"n": "text"})
    eventually(lambda: "text" in str(failing(place, "strict/one", "t")), within=30)
    emit(place, "x", payload={"n": 7})

    (run,) = made(place, "strict/one")
    assert run.parameters == {"n": 7}
    assert failing(place, "strict/one", "t") is None
    wanted = events.WantedEvents(names=["trigger.failed"])
    failed = eventually(
        lambda: (
            found if len(found := place.store.follow(events.list_events(9, wanted))) == 2 else None
        )
    )
    assert failed[0].resource["id"] == "strict/one t"
    assert "'text'" in failed[0].payload["error"] or '"text"' in failed[0].payload["error"]


def test_a_chain_that_feeds_itself_is_stopped(place: Place) -> None:
    """Each one's coming into being triggers the other."""
    place.start()
    for one, other in (("ping", "pong"), ("pong", "ping")):
        match = {"deployment": f"{other}/x"}
        deploy(place, f"{one}/x", EventTrigger(expect="run.Scheduled", match=match))
    d = deployment_id("ping/x")
    first = idempotent_run_id(d, "first")
    place.store.call(runs.submit_run(runs.NewRun(deployment_id=d, run_id=first, parameters="{}")))

    wanted = events.WantedEvents(names=["trigger.stopped"])
    (stopped,) = eventually(
        lambda: place.store.follow(events.list_events(9, wanted)), within=60, why="it is stopped"
    )

    assert f"{MOST_DEPTH} runs in a row" in stopped.payload["error"]
    assert stopped.depth == MOST_DEPTH + 1
    total = len(place.runs("ping/x")) + len(place.runs("pong/x"))
    assert total == MOST_DEPTH + 1


def test_triggers_come_change_and_go_while_the_scheduler_works(place: Place) -> None:
    place.start()
    eventually(place.leader, within=30, why="somebody leads")
    emit(place, "sun", "before")
    where = {"where": "{{ event.resource.id }}"}
    deploy(place, "hat/wear", EventTrigger(expect="sun", parameters=where, name="t"))
    emit(place, "sun", "one")
    made(place, "hat/wear")
    d = deployment_id("hat/wear")
    place.store.call(enable_trigger(d, "t", False, "me"))
    at = emit(place, "sun", "disabled").received
    # What comes in the very millisecond in which it is enabled would count.
    eventually(lambda: place.server_ms() > at)
    place.store.call(enable_trigger(d, "t", True, "me"))
    emit(place, "sun", "two")
    made(place, "hat/wear", 2)
    deploy(place, "hat/wear", EventTrigger(expect="moon", parameters=where, name="t"))
    emit(place, "sun", "gone")
    emit(place, "moon", "three")

    found = made(place, "hat/wear", 3)

    assert [run.parameters["where"] for run in found] == ["one", "two", "three"]
    place.store.follow(delete_deployment(d, force=True))
    eventually(lambda: not place.store.call(outbox_exists(d)), within=30, why="all is told")
    assert not place.runs("hat/wear")


def test_a_run_may_be_scheduled_later(place: Place) -> None:
    place.start()
    deploy(place, "soup/eat", EventTrigger(expect="hot", schedule_after=1))
    emit(place, "hot")

    (run,) = made(place, "soup/eat")

    assert run.scheduled_at - run.created_at == 1000
    eventually(lambda: place.tickets(deployment_id("soup/eat")) == [run.id], within=30)


def test_two_schedulers_fire_each_once(place: Place) -> None:
    """Both believe to lead, all the while."""
    everybody = "import sys, scheduler.leading as l; l.Leadership.leads = True; "
    begin = everybody + "import scheduler; sys.exit(scheduler.main([]))"
    pairs = EventTrigger(
        expect="tick", threshold=2, parameters={"n": "{{ event.payload.n }}"}, name="pairs"
    )
    deploy(place, "count/pairs", pairs)
    deploy(place, "count/ends", EventTrigger(expect="run.Scheduled", match={"flow": "count"}))
    for _ in range(2):
        place.schedulers.append(
            subprocess.Popen(
                [sys.executable, "-c", begin],
                env={**os.environ, "ORCHESTRATOR_REDIS_URL": place.server.url},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    count = 60
    for number in range(count):
        emit(place, "tick", payload={"n": number})

    found = made(place, "count/pairs", count // 2)

    assert sorted(run.parameters["n"] for run in found) == list(range(1, count, 2))
    names = [event.event for event in place.store.follow(events.list_events(100_000))]
    assert names.count("tick") == count
    for process in place.schedulers:
        process.kill()
        process.wait()
    ids = [event.id for event in place.store.follow(events.list_events(100_000))]
    assert len(ids) == len(set(ids)), "each event came once"
