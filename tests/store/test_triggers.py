"""Triggers on the server: served, enabled, and what events come to, in one step."""

from __future__ import annotations

from typing import Any

from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.evaluation import Progress
from orchestrator.model.ids import idempotent_run_id
from orchestrator.model.states import State
from orchestrator.store import deployments, keys, triggers
from orchestrator.store.runs import digest_of
from orchestrator.store.triggers import Armed, Failure, Fired, TriggeredRun
from orchestrator.triggers import EventTrigger, with_names
from tests.store.scene import DEFINITION, D, Scene
from tests.support.keyspace import Client, dump

RAIN = EventTrigger(name="rain", expect="rain", threshold=2, within=60)
SUN = EventTrigger(name="sun", expect="sun")
COUNTED = Progress(times=(5,))


def put(scene: Scene, *given: EventTrigger, **options: Any) -> deployments.Put:
    definition = DeploymentDefinition(
        flow=DEFINITION.flow,
        name=DEFINITION.name,
        entrypoint=DEFINITION.entrypoint,
        triggers=with_names(given),
        **options,
    )
    return scene.store.call(deployments.put_deployment(definition))


def armed(scene: Scene) -> Armed:
    return scene.store.follow(triggers.read_armed(D))


def fire(scene: Scene, seen: Armed, cursor: str = "9-0 1", **fired: Any) -> str:
    what = Fired(**{"cursor": cursor, "progress": {("rain", ()): COUNTED.to_text()}} | fired)
    return scene.store.follow(triggers.fire_triggers(D, seen, what))


def triggered(key: str = "sun:1", **changes: Any) -> TriggeredRun:
    plain = {
        "id": idempotent_run_id(D, key), "trigger": "sun", "parameters": '{"n": 1}', "key": key,
        "digest": digest_of('{"n": 1}'), "after_ms": 0, "depth": 3, "event": "1",
    }  # fmt: skip
    return TriggeredRun(**{**plain, **changes})


def test_triggers_are_served_and_read(scene: Scene) -> None:
    told = put(scene, RAIN, SUN, tags=("a",))

    assert {"trigger rain added", "trigger sun added"} <= set(told.changes)
    (rain, sun) = armed(scene).records
    assert rain.definition == RAIN.definition("rain")
    assert (sun.fired, sun.fired_ms, sun.run, sun.error) == (0, None, None, None)
    live = scene.store.follow(deployments.read_deployment(D))
    assert live is not None
    assert live.triggers == (rain, sun)
    assert live.to_json()["triggers"][0]["expect"] == ["rain"]
    assert put(scene, RAIN, SUN, tags=("a",)).word == "unchanged"


def test_progress_survives_serving_again(scene: Scene) -> None:
    put(scene, RAIN, SUN)
    first = armed(scene)
    assert fire(scene, first) == "ok"

    again = EventTrigger(name="rain", expect="rain", threshold=2, within=60, parameters={"n": 1})
    assert put(scene, again, SUN).changes == ("trigger rain changed",)

    after = armed(scene)
    assert after.progress == {("rain", ()): COUNTED}
    assert (after.since_ms, after.cursor) == (first.since_ms, "9-0 1")
    assert after.generation != first.generation, "what was planned before is outdated"


def test_another_trigger_of_the_same_name_begins_anew(scene: Scene) -> None:
    put(scene, RAIN, SUN)
    fire(scene, armed(scene))

    put(scene, EventTrigger(name="rain", expect="rain", threshold=3))

    assert armed(scene).progress == {}
    assert [record.definition.name for record in armed(scene).records] == ["rain"]


def test_who_a_person_disabled_stays_so(scene: Scene) -> None:
    put(scene, RAIN)
    fire(scene, armed(scene))

    def enable(name: str, enabled: bool) -> str:
        return scene.store.call(triggers.enable_trigger(D, name, enabled, "me"))

    assert [enable("rain", False), enable("rain", False)] == ["ok", "unchanged"]
    assert enable("snow", True) == "no_trigger"
    put(scene, EventTrigger(name="rain", expect="rain", threshold=9))
    (record,) = armed(scene).records
    assert (record.definition.enabled, record.definition.threshold) == (False, 9)
    assert armed(scene).progress == {}
    assert enable("rain", True) == "ok"
    scene.store.follow(deployments.delete_deployment(D, force=True))
    assert enable("rain", True) == "gone"


def test_a_firing_makes_its_run_once(scene: Scene, client: Client) -> None:
    put(scene, RAIN, SUN, tags=("a",), parameter_schema={"properties": {"n": {"writeOnly": True}}})
    seen = armed(scene)

    assert fire(scene, seen, runs=(triggered(),)) == "ok"
    before = dump(client)
    assert fire(scene, seen, runs=(triggered("sun:2"),)) == "stale"
    assert dump(client) == before, "who comes second changes nothing"
    assert fire(scene, armed(scene), "9-0 2", runs=(triggered(),)) == "ok"

    (run_id,) = client.zrange(keys.runs(D), 0, -1)
    run = scene.run("sun:1")
    assert run.id == run_id
    assert (run.state, run.created_by, run.tags) == (State.SCHEDULED, "trigger:sun", ("a",))
    assert (run.parameters, run.shown_parameters) == ({"n": 1}, {"n": "**********"})
    assert (run.idempotency_key, run.depth, run.event) == ("sun:1", 3, "1")
    assert scene.claim().run_id == run.id
    (_, sun) = armed(scene).records
    assert (sun.fired, sun.run) == (1, run.id)


def test_a_run_may_begin_later(scene: Scene) -> None:
    put(scene, SUN)

    fire(scene, armed(scene), runs=(triggered(after_ms=60_000),))

    run = scene.run("sun:1")
    assert run.scheduled_at - run.created_at == 60_000
    assert scene.claims().runs == ()


def test_a_failure_is_noted_and_told(scene: Scene, client: Client) -> None:
    put(scene, SUN)
    failure = Failure(word="trigger.failed", trigger="sun", error="no such", event="1", depth=2)

    fire(scene, armed(scene), failures=(failure,))

    assert armed(scene).records[0].error == "no such"
    ((_, told),) = client.xrevrange(keys.outbox(D), count=1)
    assert (told["event"], told["error"], told["depth"]) == ("trigger.failed", "no such", "2")


def test_what_changed_meanwhile_is_read_anew(scene: Scene) -> None:
    put(scene, SUN)
    seen = armed(scene)
    put(scene, SUN, RAIN)
    assert fire(scene, seen) == "stale"

    assert fire(scene, armed(scene), progress={("rain", ()): ""}) == "ok"
    scene.store.follow(deployments.delete_deployment(D, force=True))
    assert fire(scene, seen) == "gone"
