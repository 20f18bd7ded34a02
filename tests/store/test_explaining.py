"""The facts behind an explanation, over real servers."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.model.event import emitted
from orchestrator.model.explanation import Explanation
from orchestrator.model.ids import RunId
from orchestrator.store import attention, deployments, events, keys, leases, runners
from orchestrator.store.explaining import explain_run
from tests.store.scene import FAILED, RUNNER, D, Scene, run_id
from tests.store.test_runners import record
from tests.store.test_triggers import RAIN, SUN, armed, fire, put, triggered
from tests.support.keyspace import Client

FAR = 4_102_444_800_000


def explained(scene: Scene, name: str = "run") -> Explanation:
    found = scene.store.follow(explain_run(run_id(name)))
    assert found is not None
    return found


def code(scene: Scene, name: str = "run") -> str:
    return explained(scene, name).code


def say(scene: Scene, **changes: object) -> None:
    scene.store.call(runners.say_runner(replace(record(RUNNER), **changes)))  # type: ignore[arg-type]


def test_a_run_that_never_was(scene: Scene) -> None:
    assert scene.store.follow(explain_run(run_id("never"))) is None


def test_a_life(scene: Scene) -> None:
    scene.submit()
    assert code(scene) == "unserved", "the registered runner has said nothing of itself"
    say(scene)
    assert code(scene) == "queued"
    claimed = scene.claim()
    assert code(scene) == "pending"
    scene.start(claimed)
    assert code(scene) == "running"
    scene.cancel()
    assert code(scene) == "cancelling"
    scene.finish(claimed)
    assert code(scene) == "final"


def test_delayed_runs_need_a_scheduler(scene: Scene, client: Client) -> None:
    scene.submit(scheduled_at=FAR)
    assert code(scene) == "scheduled"
    assert any("scheduler start" in note for note in explained(scene).notes)
    client.zadd(keys.delayed(D), {run_id(): 1})
    assert code(scene) == "no_scheduler"
    scene.store.call(attention.lead("me", 60_000))
    assert code(scene) == "due"
    client.zadd(keys.delayed(D), {run_id(): FAR})
    scene.store.call(attention.unlead("me"))


def test_a_failed_attempt_waits_for_the_next(scene: Scene) -> None:
    outcome = replace(FAILED, retries=1, retry_delay_ms=60_000)
    scene.finish(scene.running(), outcome)
    assert code(scene) == "awaiting_retry"


def test_limits_and_holds(scene: Scene) -> None:
    scene.deploy(concurrency_limit=1)
    say(scene)
    scene.running("first")
    scene.submit("second")
    assert code(scene, "second") == "at_limit"
    scene.store.call(deployments.hold_deployment(D, held=True, by="test"))
    assert code(scene, "second") == "held"
    scene.store.follow(deployments.delete_deployment(D, force=True))


def test_those_before_it_are_counted_in_the_order_of_claims(scene: Scene) -> None:
    say(scene)
    taken = scene.pending("taken")
    scene.submit("first")
    scene.submit("second")
    assert explained(scene, "first").notes == ()
    assert "1 run " in explained(scene, "second").notes[0]
    scene.release(taken)
    assert "2 runs " in explained(scene, "second").notes[0]


def test_runners_that_are_busy_leaving_or_silent(scene: Scene, client: Client) -> None:
    scene.submit()
    say(scene, running=2)
    assert code(scene) == "runners_busy"
    say(scene, draining=True)
    assert code(scene) == "runners_draining"
    say(scene)
    client.pexpire(keys.runner(RUNNER), runners.SHOWN_MS - 120_000)
    assert code(scene) == "runners_silent"
    client.persist(keys.runner(RUNNER))
    say(scene)


def test_the_runner_that_has_a_run_is_watched(scene: Scene, client: Client) -> None:
    say(scene, isolation={"hello/main": "spawn: numpy started a thread"})
    scene.running()
    scene.store.call(leases.beat_runs(D, RUNNER, 30_000, []))
    client.pexpire(keys.runner(RUNNER), runners.SHOWN_MS - 120_000)
    silent, isolated = explained(scene).notes
    assert "last heard of 2m ago" in silent
    assert "numpy started a thread" in isolated


def test_a_triggered_run_names_the_event_that_it_answers(scene: Scene) -> None:
    put(scene, RAIN, SUN)
    event = scene.store.call(events.emit_event(emitted("sun", {"id": "ulm"})))
    for _ in range(3):
        scene.store.call(events.emit_event(emitted("rain", "ulm", related=[{"id": event.id}])))
    fire(scene, armed(scene), runs=(triggered(event=event.id),))

    (run,) = [record.run for record in armed(scene).records if record.run]
    found = scene.store.follow(explain_run(RunId(run)))

    assert found is not None
    assert found.notes[0] == f"Trigger sun (sun) made it for sun of ulm, event {event.id}."


def test_an_event_that_is_not_near_is_named_by_its_id(scene: Scene) -> None:
    put(scene, RAIN, SUN)
    fire(scene, armed(scene), runs=(triggered(event="long-gone"),))

    (run,) = [record.run for record in armed(scene).records if record.run]
    found = scene.store.follow(explain_run(RunId(run)))

    assert found is not None
    assert found.notes[0] == "Trigger sun (sun) made it for event long-gone."
