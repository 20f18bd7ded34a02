"""How runs end: finished, retried, handed back, reaped, cancelled. I7 to I9, I11, I14, I15."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.model.states import State
from orchestrator.store import keys, leases, logs
from tests.store.scene import DONE, FAILED, LOST_OPTIONS, RUNNER, D, Scene, run_id
from tests.support.keyspace import Client, dump

FAR_MS = 3_600_000


def test_a_finished_run_is_final_and_expires(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    scene.store.call(logs.append_log(claimed.run_id, claimed.token, b"{}\n", 1000))
    heard = scene.store.listen(keys.ended(D))
    outcome = replace(DONE, result='{"a":1}', peak_bytes=5, cpu_seconds=0.5, retention_ms=60_000)

    assert scene.finish(claimed, outcome) == leases.Finished("ok", None)
    assert heard.wait(5) == (keys.ended(D), run_id())
    heard.close()
    run = scene.run()
    assert (run.state, run.result, run.attempt) == (State.COMPLETED, {"a": 1}, 1)
    assert scene.path() == ["Scheduled", "Pending", "Running", "Completed"]
    assert client.hmget(keys.run(run_id()), "peak_bytes", "cpu_seconds") == ["5", "0.5"]
    assert 0 < client.pttl(keys.run(run_id())) <= 60_000
    assert 0 < client.pttl(keys.log(run_id())) <= 60_000
    assert client.xlen(keys.queue(D)) == 0
    assert client.zcard(keys.leases(D)) == 0


@pytest.mark.parametrize("state", [State.FAILED, State.TIMED_OUT, State.CRASHED])
def test_a_failed_attempt_is_followed_by_another(scene: Scene, state: State) -> None:
    outcome = replace(FAILED, state=state, retries=1)
    claimed = scene.running()

    assert scene.finish(claimed, outcome) == leases.Finished("retry", None)
    run = scene.run()
    assert (run.state, run.attempt, run.reason) == (State.AWAITING_RETRY, 1, "it broke")
    again = scene.claim()
    assert again.attempt == 2
    assert scene.run().error == {"type": "ValueError"}
    scene.start(again)
    assert scene.run().error is None
    assert scene.finish(again, outcome) == leases.Finished("ok", None)
    assert scene.state() is state


def test_a_retry_may_have_to_wait(scene: Scene, client: Client) -> None:
    scene.deploy(concurrency_limit=1)
    claimed = scene.running()
    heard = scene.store.listen(keys.control(D))
    finished = scene.finish(claimed, replace(FAILED, retries=1, retry_delay_ms=FAR_MS))

    assert finished.word == "retry"
    assert finished.due == client.zscore(keys.delayed(D), run_id())
    assert heard.wait(5) == (keys.control(D), "queue"), "the slot came free"
    heard.close()
    assert scene.claims().runs == ()


def test_a_cancelled_run_is_not_tried_again(scene: Scene) -> None:
    claimed = scene.running()
    assert scene.cancel() == "cancelling"

    assert scene.finish(claimed, replace(FAILED, retries=3)).word == "cancelled"
    assert scene.state() is State.CANCELLED


def test_a_run_that_ends_before_the_signal_keeps_its_true_end(scene: Scene) -> None:
    claimed = scene.running()
    scene.cancel()

    assert scene.finish(claimed).word == "ok"
    assert scene.state() is State.COMPLETED


@pytest.mark.parametrize("delay", [0, FAR_MS])
@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("retries", [0, 1])
def test_a_repeated_finish_answers_the_same(
    scene: Scene, client: Client, delay: int, cancelled: bool, retries: int
) -> None:
    claimed = scene.running()
    if cancelled:
        scene.cancel()
    outcome = replace(FAILED, retries=retries, retry_delay_ms=delay)
    first = scene.finish(claimed, outcome)
    before = dump(client)

    assert scene.finish(claimed, outcome) == first
    assert dump(client) == before


def test_a_released_run_begins_the_same_attempt_first(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    heard = scene.store.listen(keys.control(D))
    assert scene.release(claimed) == "ok"
    assert heard.wait(5) == (keys.control(D), "queue")
    heard.close()
    before = dump(client)

    assert scene.release(claimed) == "ok"
    assert dump(client) == before
    assert (scene.state(), scene.run().reason) == (State.SCHEDULED, "drained")
    again = scene.claim()
    assert again.attempt == 1
    assert again.token != claimed.token
    assert scene.release(claimed) == "lease_lost"


def test_a_cancelled_run_is_not_handed_back(scene: Scene, client: Client) -> None:
    scene.deploy(concurrency_limit=1)
    claimed = scene.running()
    scene.cancel()

    assert scene.release(claimed) == "cancelled"
    before = dump(client)
    assert scene.release(claimed) == "cancelled"
    assert dump(client) == before
    assert scene.state() is State.CANCELLED


def test_a_run_of_a_dead_owner_begins_again(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    assert scene.reap(claimed) == "recovered"
    before = dump(client)

    assert scene.reap(claimed) == "stale"
    assert scene.finish(claimed).word == "lease_lost"
    assert dump(client) == before
    assert scene.claim().attempt == 2


def test_a_run_that_had_not_begun_keeps_its_attempt(scene: Scene) -> None:
    scene.deploy(options=LOST_OPTIONS)
    claimed = scene.pending()

    assert scene.reap(claimed, beat=None) == "recovered"
    assert scene.claim().attempt == 1


def test_a_run_that_must_not_begin_twice_crashes(scene: Scene) -> None:
    scene.deploy(options=LOST_OPTIONS, concurrency_limit=1)

    assert scene.reap(scene.running()) == "crashed"
    run = scene.run()
    assert (run.state, run.reason) == (State.CRASHED, "host lost")
    assert run.error == {"type": "RunnerDied", "message": "host lost", "traceback": ""}


def test_a_run_is_recovered_three_times_at_most(scene: Scene) -> None:
    claimed = scene.running()
    for _ in range(3):
        assert scene.reap(claimed) == "recovered"
        claimed = scene.claim()
        scene.start(claimed)

    assert scene.reap(claimed) == "crashed"
    assert scene.run().attempt == 4


def test_I11_an_owner_lost_before_the_start_costs_no_recovery(scene: Scene) -> None:
    claimed = scene.pending()
    for _ in range(20):
        assert scene.reap(claimed) == "recovered"
        claimed = scene.claim()
        assert claimed.attempt == 1
    scene.start(claimed)
    for attempt in (2, 3, 4):
        assert scene.reap(claimed) == "recovered", "all of its recoveries are left"
        claimed = scene.claim()
        assert claimed.attempt == attempt
        scene.start(claimed)

    assert scene.reap(claimed) == "crashed"


def test_I11_a_run_that_cannot_be_begun_ends_all_the_same(scene: Scene) -> None:
    claimed = scene.pending()
    for _ in range(20):
        scene.reap(claimed)
        claimed = scene.claim()

    assert scene.reap(claimed) == "crashed"
    run = scene.run()
    assert run.state is State.CRASHED
    assert run.reason == "host lost; it was recovered 20 times before, and never began"


def test_a_dead_owner_does_not_hold_up_a_cancel(scene: Scene) -> None:
    claimed = scene.running()
    scene.cancel()

    assert scene.reap(claimed) == "cancelled"
    assert scene.state() is State.CANCELLED


def test_an_owner_that_lives_is_not_reaped(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    beats = scene.store.call(leases.beat_runs(D, RUNNER, 30_000, [(claimed.run_id, claimed.token)]))
    before = dump(client)

    assert beats == leases.Beats(True, ("OK",))
    assert scene.reap(claimed, beat=0) == "stale"
    assert dump(client) == before
    assert scene.reap(claimed, beat=1) == "recovered"


def test_beats_say_what_a_lost_message_said(scene: Scene) -> None:
    from orchestrator.model.ids import RunnerId
    from orchestrator.store import runs

    held = [scene.running(name) for name in ("fine", "paused", "cancelled", "over")]
    scene.store.call(runs.pause_run(run_id("paused"), "a person"))
    scene.cancel("cancelled")
    scene.finish(held[3])
    pairs = [(claimed.run_id, claimed.token) for claimed in held]

    words = ("OK", "PAUSE", "CANCEL", "LOST")
    assert scene.store.call(leases.beat_runs(D, RUNNER, 30_000, pairs)) == leases.Beats(True, words)
    stranger = leases.beat_runs(D, RunnerId("stranger"), 30_000, pairs[:1])
    assert scene.store.call(stranger) == leases.Beats(False, ("OK",))


@pytest.mark.parametrize("later", [False, True])
def test_a_cancelled_waiting_run_never_begins(scene: Scene, client: Client, later: bool) -> None:
    scene.submit(scheduled_at=4_102_444_800_000 if later else None)
    heard = scene.store.listen(keys.ended(D))
    assert scene.cancel() == "cancelled"
    assert heard.wait(5) == (keys.ended(D), run_id())
    heard.close()
    before = dump(client)

    assert scene.cancel() == "already"
    assert dump(client) == before
    assert scene.claims().runs == ()
    assert scene.run().reason == "cancelled by a person"


def test_a_cancel_reaches_the_owner(scene: Scene, client: Client) -> None:
    scene.running()
    heard = scene.store.listen(keys.control(D))
    assert scene.cancel() == "cancelling"
    assert heard.wait(5) == (keys.control(D), "runs")
    heard.close()
    before = dump(client)

    assert scene.cancel() == "cancelling"
    assert dump(client) == before


def test_nothing_can_be_done_about_a_run_that_is_gone(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    client.flushall()

    assert scene.finish(claimed).word == "gone"
    assert scene.release(claimed) == "gone"
    assert scene.reap(claimed) == "gone"
    assert scene.cancel() == "gone"
    append = logs.append_log(claimed.run_id, claimed.token, b"{}\n", 1000)
    assert scene.store.call(append) == "gone"
    assert dump(client) == {}


CALLS: dict[str, Callable[[Scene, leases.Claimed], object]] = {
    "start": lambda scene, claimed: scene.start(claimed),
    "finish": lambda scene, claimed: scene.finish(claimed).word,
    "release": lambda scene, claimed: scene.release(claimed),
    "reap": lambda scene, claimed: scene.reap(claimed, beat=None),
    "log": lambda scene, claimed: scene.store.call(
        logs.append_log(claimed.run_id, claimed.token, b"{}\n", 1000)
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_I8_an_old_token_changes_nothing(scene: Scene, client: Client, call: str) -> None:
    old = scene.running()
    scene.reap(old)
    scene.start(scene.claim())
    before = dump(client)

    assert CALLS[call](scene, old) in {"lease_lost", "stale"}
    assert dump(client) == before


def test_histories_keep_how_it_began_and_what_came_last(scene: Scene) -> None:
    scene.submit()
    for _ in range(60):
        scene.release(scene.claim())

    steps = scene.run().history
    assert len(steps) == 100
    assert scene.path()[:3] == ["Scheduled", "Pending", "Scheduled"]
    assert steps[-1].reason == "drained"


def test_odd_characters_in_a_reason_come_back(scene: Scene) -> None:
    reason = 'tab\tline\nquote"\u2028\x85end'
    scene.finish(scene.running(), replace(FAILED, reason=reason))

    assert scene.run().reason == reason
    assert scene.run().history[-1].reason == reason
