"""How long a run is kept is its deployment's matter, whoever ends it whatever that one thinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.model.deployment import Overlap
from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.store import deployments, keys, logs, runs, schedule_edits, schedules, triggers
from orchestrator.store.upkeep import repair_deployment
from orchestrator.triggers import EventTrigger, with_names
from tests.store.scene import (
    DEFINITION,
    FAILED,
    LOST_OPTIONS,
    NIGHTLY,
    D,
    Scene,
    run_id,
    tick_schedule,
)
from tests.support.invariants import DAY_MS
from tests.support.keyspace import Client
from tests.support.waiting import eventually

DAYS = 0.5
KEPT_MS = int(DAYS * DAY_MS)


def life(client: Client, name: str = "run") -> int:
    return int(client.pttl(keys.run(run_id(name))))


def tick(scene: Scene, *names: str, overlap: Overlap = "allow") -> None:
    (rule,) = scene.store.call(schedules.agenda(D)).schedules
    made = [
        schedules.Occurrence(run_id=run_id(n), due_ms=1, parameters="{}", late=False) for n in names
    ]
    request = tick_schedule(
        "nightly", rule.generation, rule.cursor_ms, rule.cursor_ms + 1, None, made, overlap
    )
    assert scene.store.call(request) == ["ok"]


def finished(scene: Scene) -> None:
    scene.finish(scene.running())


def handed_back_when_cancelled(scene: Scene) -> None:
    claimed = scene.running()
    scene.cancel()
    assert scene.release(claimed) == "cancelled"


def reaped_when_cancelled(scene: Scene) -> None:
    claimed = scene.running()
    scene.cancel()
    assert scene.reap(claimed) == "cancelled"


def lost(scene: Scene) -> None:
    assert scene.reap(scene.running()) == "crashed"


def cancelled(scene: Scene) -> None:
    scene.submit()
    assert scene.cancel() == "cancelled"


def skipped_by_a_pause(scene: Scene) -> None:
    tick(scene, "run")
    scene.store.follow(deployments.pause_deployment(D, "user"))


def skipped_with_its_schedule(scene: Scene) -> None:
    tick(scene, "run")
    scene.store.follow(schedule_edits.pause_schedule(D, "nightly"))


def skipped_for_an_earlier_one(scene: Scene) -> None:
    tick(scene, "earlier", "run", overlap="skip")


def cancelled_for_a_later_one(scene: Scene) -> None:
    tick(scene, "run", overlap="cancel_running")
    tick(scene, "later", overlap="cancel_running")


def triggered_and_cancelled(scene: Scene) -> None:
    given = with_names([EventTrigger(name="sun", expect="sun")])
    same = replace(DEFINITION, options=LOST_OPTIONS, retention_days=DAYS, triggers=given)
    scene.store.call(deployments.put_deployment(same))
    made = triggers.TriggeredRun(
        id=run_id(), trigger="sun", parameters="{}", key="", digest="", after_ms=0, depth=0,
        event="1",
    )  # fmt: skip
    armed = scene.store.follow(triggers.read_armed(D))
    fired = triggers.Fired(cursor="9-0 1", progress={}, runs=(made,))
    assert scene.store.follow(triggers.fire_triggers(D, armed, fired)) == "ok"
    assert scene.cancel() == "cancelled"


ENDS = [
    finished,
    handed_back_when_cancelled,
    reaped_when_cancelled,
    lost,
    cancelled,
    skipped_by_a_pause,
    skipped_with_its_schedule,
    skipped_for_an_earlier_one,
    cancelled_for_a_later_one,
    triggered_and_cancelled,
]


@pytest.mark.parametrize("end", ENDS)
def test_whoever_ends_a_run_keeps_it_as_its_deployment_says(
    scene: Scene, client: Client, end: Callable[[Scene], None]
) -> None:
    scene.deploy(options=LOST_OPTIONS, retention_days=DAYS, schedules=(NIGHTLY,))

    end(scene)

    assert 0 < life(client) <= KEPT_MS < keys.RETENTION_MS
    assert client.zscore(keys.expiring(D), run_id()) == client.pexpiretime(keys.run(run_id()))


@pytest.mark.parametrize("end", [finished, cancelled])
def test_without_its_own_the_one_who_ends_it_says_it(
    scene: Scene, client: Client, end: Callable[[Scene], None]
) -> None:
    end(scene)

    assert KEPT_MS < life(client) <= keys.RETENTION_MS


def test_a_change_is_for_the_runs_that_come(scene: Scene, client: Client) -> None:
    scene.deploy(retention_days=DAYS)
    scene.submit("before")
    scene.deploy(retention_days=2 * DAYS)
    scene.submit("after")
    for name in ("before", "after"):
        scene.cancel(name)

    assert life(client, "before") <= KEPT_MS < life(client, "after") <= 2 * KEPT_MS


def test_a_run_that_is_tried_again_is_kept_whole(scene: Scene, client: Client) -> None:
    scene.deploy(retention_days=DAYS)

    assert scene.finish(scene.running(), replace(FAILED, retries=1)).word == "retry"

    assert life(client) == -1
    assert scene.state() is State.AWAITING_RETRY


def test_a_short_life_is_over_soon(scene: Scene) -> None:
    scene.deploy(retention_days=1 / DAY_MS)
    scene.submit()
    scene.cancel()

    eventually(lambda: scene.store.call(runs.read_run(run_id())) is None)


def test_late_lines_of_a_log_go_with_the_record(scene: Scene, client: Client) -> None:
    scene.deploy(retention_days=DAYS)
    claimed = scene.running()
    scene.finish(claimed)

    late = logs.append_log(RunId(claimed.run_id), claimed.token, b"{}\n", keys.RETENTION_MS)
    assert scene.store.call(late) == "ok"

    assert 0 < client.pttl(keys.log(run_id())) <= life(client) + 1


def test_a_repair_gives_back_the_life_it_had(scene: Scene, client: Client) -> None:
    scene.deploy(retention_days=DAYS)
    scene.finish(scene.running())
    client.persist(keys.run(run_id()))

    assert scene.store.follow(repair_deployment(D)) == 1

    assert 0 < life(client) <= KEPT_MS
