"""Claiming and starting: I4 to I6, I10, I15."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.model.ids import RunnerId
from orchestrator.model.states import State
from orchestrator.store import deployments, keys, runs, schedules
from tests.store.scene import FAILED, NIGHTLY, RUNNER, D, Scene, run_id, tick_schedule
from tests.support import eventually
from tests.support.keyspace import Client, dump


def test_a_claimed_run_is_pending_with_its_runner(scene: Scene) -> None:
    scene.submit("a", parameters='{"x":1}', tags=("t",), name="first", created_by="person")
    claims = scene.claims(count=5)

    (claimed,) = claims.runs
    assert (claims.word, claims.more) == ("ok", False)
    assert (claimed.run_id, claimed.attempt, claimed.deployment) == (run_id("a"), 1, "hello/main")
    assert (claimed.parameters, claimed.tags, claimed.name) == ('{"x":1}', '["t"]', "first")
    assert claimed.token.startswith("1.")
    run = scene.run("a")
    assert (run.state, run.runner, run.host, run.version) == ("Pending", RUNNER, "host", "v1")
    assert run.claimed_at is not None
    assert run.started_at is None


def test_a_repeated_claim_answers_the_same_runs(scene: Scene, client: Client) -> None:
    for name in ("a", "b", "c"):
        scene.submit(name)
    first = scene.claims(count=2, nonce="n1")
    before = dump(client)

    assert [claimed.run_id for claimed in first.runs] == [run_id("a"), run_id("b")]
    assert first.more
    assert scene.claims(count=2, nonce="n1").runs == first.runs
    assert dump(client) == before
    assert [c.run_id for c in scene.claims(count=2, nonce="n2").runs] == [run_id("c")]


def test_a_repeated_claim_leaves_out_what_was_lost_meanwhile(scene: Scene) -> None:
    scene.submit()
    (claimed,) = scene.claims(nonce="n1").runs
    scene.release(claimed)

    assert scene.claims(nonce="n1").runs == ()


def test_first_come_the_handed_back_then_the_asked_for_then_the_backlog(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    scene.submit("back")
    handed_back = scene.claim()
    scene.submit("asked")
    (rule,) = scene.store.call(schedules.agenda(D)).schedules
    due = rule.cursor_ms + 1
    eventually(lambda: scene.store.call(schedules.agenda(D)).now_ms >= due, why="it is due")
    late = schedules.Occurrence(run_id=run_id("late"), due_ms=due, parameters="{}", late=True)
    tick = tick_schedule("nightly", rule.generation, rule.cursor_ms, due, None, [late])
    assert scene.store.call(tick) == ["ok"]
    scene.release(handed_back)

    order = [claimed.run_id for claimed in scene.claims(count=3).runs]
    assert order == [run_id("back"), run_id("asked"), run_id("late")]


def test_no_claim_while_held(scene: Scene, client: Client) -> None:
    scene.submit()
    assert scene.store.call(deployments.hold_deployment(D, True, "a person")) == "ok"
    before = dump(client)

    assert scene.claims().word == "held"
    assert dump(client) == before
    heard = scene.store.listen(keys.control(D))
    assert scene.store.call(deployments.hold_deployment(D, False, "a person")) == "ok"
    assert heard.wait(5) == (keys.control(D), "queue")
    heard.close()
    assert scene.claim().run_id == run_id()


def test_holding_twice_changes_nothing(scene: Scene, client: Client) -> None:
    scene.store.call(deployments.hold_deployment(D, True, "a person"))
    before = dump(client)
    assert scene.store.call(deployments.hold_deployment(D, True, "another")) == "unchanged"
    assert dump(client) == before
    client.flushall()
    assert scene.store.call(deployments.hold_deployment(D, True, "a person")) == "gone"


def test_a_limit_is_never_exceeded(scene: Scene) -> None:
    scene.deploy(concurrency_limit=2)
    for name in ("a", "b", "c"):
        scene.submit(name)

    claims = scene.claims(count=5)
    assert len(claims.runs) == 2
    assert scene.claims(count=5).word == "full"
    heard = scene.store.listen(keys.control(D))
    scene.finish(claims.runs[0])
    assert heard.wait(5) == (keys.control(D), "queue")
    heard.close()
    assert [claimed.run_id for claimed in scene.claims(count=5).runs] == [run_id("c")]


def test_only_registered_runners_claim(scene: Scene, client: Client) -> None:
    assert scene.claims(runner=RunnerId("stranger")).word == "unregistered"
    client.flushall()
    assert scene.claims().word == "gone"


@pytest.mark.damages_keys
def test_tickets_that_no_record_names_are_dropped(scene: Scene, client: Client) -> None:
    client.xadd(keys.queue(D), {"run": run_id("never")})
    scene.submit("a")
    client.xadd(keys.queue(D), {"run": run_id("a")})
    client.xadd(keys.queue(D), {"what": "nonsense"})
    scene.submit("b")

    claimed = [each.run_id for _ in range(3) for each in scene.claims(count=2).runs]
    assert claimed == [run_id("a"), run_id("b")]
    assert client.xlen(keys.queue(D)) == 2


def test_a_started_run_is_running(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    before = dump(client)

    assert scene.start(claimed) == "ok"
    assert dump(client) == before
    run = scene.run()
    assert (run.state, run.pid) == (State.RUNNING, 4711)
    assert run.started_at is not None


def test_no_start_after_a_cancel_or_while_held(scene: Scene) -> None:
    claimed = scene.pending("a")
    scene.store.call(deployments.hold_deployment(D, True, "a person"))
    assert scene.start(claimed) == "held"
    assert scene.cancel("a") == "cancelling"
    assert scene.start(claimed) == "cancelled"


def test_no_start_without_the_lease(scene: Scene, client: Client) -> None:
    claimed = scene.pending()
    scene.release(claimed)
    assert scene.start(claimed) == "lease_lost"
    scene.claim()
    assert scene.start(claimed) == "lease_lost"
    client.flushall()
    assert scene.start(claimed) == "gone"


def test_a_run_is_paused_and_resumed_by_a_person(scene: Scene, client: Client) -> None:
    store = scene.store
    claimed = scene.pending()
    assert store.call(runs.pause_run(run_id(), "a person")) == "not_running"
    scene.start(claimed)
    heard = store.listen(keys.control(D))

    assert store.call(runs.pause_run(run_id(), "a person")) == "ok"
    assert store.call(runs.pause_run(run_id(), "a person")) == "unchanged"
    assert heard.wait(5) == (keys.control(D), "runs")
    assert scene.state() is State.PAUSED
    assert store.call(runs.resume_run(run_id(), "a person")) == "ok"
    assert store.call(runs.resume_run(run_id(), "a person")) == "unchanged"
    assert scene.path()[-3:] == ["Running", "Paused", "Running"]
    heard.close()
    scene.finish(claimed)
    assert store.call(runs.resume_run(run_id(), "a person")) == "not_running"
    client.flushall()
    assert store.call(runs.pause_run(run_id(), "a person")) == "gone"
    assert store.call(runs.resume_run(run_id(), "a person")) == "gone"


def test_a_pause_outlives_the_processes(scene: Scene) -> None:
    """What was accepted is not lost with a host: the next attempt stands before its first line."""
    store = scene.store
    first = scene.running()
    store.call(runs.pause_run(run_id(), "Ada"))
    assert scene.reap(first) == "recovered"
    assert store.call(runs.pause_run(run_id(), "Bob")) == "unchanged"
    assert scene.run().paused_by == "Ada"
    second = scene.claim()

    assert scene.start(second) == "paused"
    assert scene.start(second) == "paused", "asked again after a lost answer"
    run = scene.run()
    assert (run.state, run.reason, run.started_at) == (State.PAUSED, "paused by Ada", None)
    assert store.call(runs.resume_run(run_id(), "Bob")) == "ok"
    assert (scene.state(), scene.run().paused_by) == (State.PENDING, None)
    assert scene.start(second) == "ok"
    assert scene.path()[-4:] == ["Pending", "Paused", "Pending", "Running"]


def test_what_is_resumed_under_a_hold_does_not_start(scene: Scene) -> None:
    """I10."""
    first = scene.running()
    scene.store.call(runs.pause_run(run_id(), "Ada"))
    scene.release(first)
    claimed = scene.claim()
    assert scene.start(claimed) == "paused"
    scene.store.call(deployments.hold_deployment(D, True, "test"))
    assert scene.store.call(runs.resume_run(run_id(), "Ada")) == "ok"
    assert scene.start(claimed) == "held"


@pytest.mark.parametrize("claimed", [False, True])
def test_a_run_is_resumed_before_it_stands_still_again(scene: Scene, claimed: bool) -> None:
    first = scene.running()
    scene.store.call(runs.pause_run(run_id(), "Ada"))
    scene.finish(first, replace(FAILED, retries=1))
    if claimed:
        second = scene.claim()
    before = scene.path()
    assert scene.store.call(runs.resume_run(run_id(), "Ada")) == "ok"
    assert scene.store.call(runs.resume_run(run_id(), "Ada")) == "not_running"
    assert scene.path() == before
    assert scene.start(second if claimed else scene.claim()) == "ok"


def test_what_pauses_itself_begins_again_like_any_other(scene: Scene) -> None:
    first = scene.running()
    scene.store.call(runs.pause_run(run_id(), "itself", lasting=False))
    scene.reap(first)
    assert scene.start(scene.claim()) == "ok"
