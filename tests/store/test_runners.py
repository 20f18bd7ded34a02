"""Registering, leaving and dropping runners; the pause of a last one's shutdown; looking."""

from __future__ import annotations

import pytest

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.ids import RunnerId
from orchestrator.store import attention, deployments, keys, leases, runners, schedules
from tests.store.scene import NIGHTLY, RUNNER, D, Scene, run_id, tick_schedule
from tests.support.keyspace import Client, dump

OTHER = RunnerId("runner-b")


def leave(scene: Scene, runner: RunnerId = RUNNER, *, pause: bool = True) -> str:
    return scene.store.call(runners.leave_runner(D, runner, pause))


def register(scene: Scene, runner: RunnerId, *, pauses: bool = True) -> str:
    return scene.store.call(runners.register_runner(D, runner, "{}", pauses))


def registered(scene: Scene) -> tuple[str, ...]:
    found = scene.store.follow(deployments.read_deployment(D))
    assert found is not None
    return found.runners


def test_registering_again_changes_nothing(scene: Scene, client: Client) -> None:
    before = dump(client)
    assert register(scene, RUNNER) == "ok"
    assert dump(client) == before
    assert registered(scene) == (RUNNER,)
    client.flushall()
    assert register(scene, RUNNER) == "gone"
    assert dump(client) == {}


def test_only_the_last_runner_pauses(scene: Scene, client: Client) -> None:
    register(scene, OTHER)
    assert leave(scene) == "ok"
    assert leave(scene, OTHER, pause=False) == "last", "the first one noted it"
    before = dump(client)
    assert leave(scene, OTHER, pause=False) == "last"
    assert dump(client) == before


def test_no_pause_when_nobody_wants_one(scene: Scene) -> None:
    register(scene, OTHER)
    assert leave(scene, pause=False) == "ok"
    assert leave(scene, OTHER, pause=False) == "ok"


def test_a_noted_pause_is_erased_by_who_registers(scene: Scene) -> None:
    register(scene, OTHER)
    leave(scene)
    register(scene, RunnerId("runner-c"))
    assert leave(scene, OTHER, pause=False) == "ok"
    assert leave(scene, RunnerId("runner-c"), pause=False) == "ok"


def test_no_pause_while_one_serves_that_never_pauses(scene: Scene) -> None:
    register(scene, OTHER, pauses=False)
    assert leave(scene) == "ok"
    assert leave(scene, OTHER, pause=False) == "ok"


def test_a_dead_runner_is_dropped_by_its_beat(scene: Scene, client: Client) -> None:
    register(scene, OTHER)
    leave(scene)
    scene.store.call(leases.beat_runs(D, OTHER, 30_000, []))
    before = dump(client)

    assert scene.store.call(runners.drop_runner(D, OTHER, 0)) == "stale"
    assert dump(client) == before
    assert scene.store.call(runners.drop_runner(D, OTHER, 1)) == "last"
    assert scene.store.call(runners.drop_runner(D, OTHER, 1)) == "stale"
    assert registered(scene) == ()


def test_dropping_one_of_several_pauses_nothing(scene: Scene) -> None:
    register(scene, OTHER)
    assert scene.store.call(runners.drop_runner(D, OTHER, 0)) == "ok"


def test_one_that_returns_ends_the_pause_of_its_shutdown(scene: Scene) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    scene.store.follow(deployments.pause_deployment(D, "shutdown"))
    register(scene, OTHER)
    assert not scene.store.call(schedules.agenda(D)).paused
    scene.store.follow(deployments.pause_deployment(D, "user"))
    register(scene, OTHER)
    assert scene.store.call(schedules.agenda(D)).paused


def test_consumers_leave_with_their_runner(scene: Scene, client: Client) -> None:
    scene.finish(scene.running())
    assert leave(scene) == "last"
    assert client.xinfo_consumers(keys.queue(D), keys.GROUP) == []


@pytest.mark.parametrize("comes", [True, False])
def test_a_consumer_whose_tickets_others_ended_goes_when_somebody_comes_or_goes(
    scene: Scene, client: Client, comes: bool
) -> None:
    claimed = scene.running()
    register(scene, OTHER)
    scene.store.call(runners.drop_runner(D, RUNNER, 0))
    assert consumers(client) == [RUNNER]  # its ticket would go with it
    scene.store.call(leases.reap_run(claimed.run_id, claimed.token, None, "lost"))
    assert consumers(client) == [RUNNER]

    register(scene, RunnerId("third")) if comes else leave(scene, OTHER)

    assert consumers(client) == []


def test_a_runner_that_registers_again_keeps_what_it_holds(scene: Scene, client: Client) -> None:
    scene.running()
    register(scene, RUNNER)
    assert consumers(client) == [RUNNER]


def consumers(client: Client) -> list[str]:
    return [each["name"] for each in client.xinfo_consumers(keys.queue(D), keys.GROUP)]


def record(name: str) -> RunnerRecord:
    return RunnerRecord(
        id=name,
        name=f"name of {name}",
        host="host",
        pid=1,
        limit=2,
        running=0,
        deployments=("hello/main",),
        version="1",
        started_at=1,
        last_seen=2,
        draining=False,
        isolation={"hello/main": "fork"},
    )


def test_runners_say_what_they_are(scene: Scene, client: Client) -> None:
    said = record(RUNNER)
    scene.store.call(runners.say_runner(said))

    assert scene.store.follow(runners.read_runners()) == [said]
    assert client.pttl(keys.runner(RUNNER)) > 0
    leave(scene)
    assert scene.store.follow(runners.read_runners()) == []


@pytest.fixture
def seen(scene: Scene) -> leases.Look:
    scene.deploy(schedules=(NIGHTLY,))
    scene.running("a")
    scene.submit("b")
    scene.submit("c", scheduled_at=4_102_444_800_000)
    return scene.store.call(leases.look(D, RUNNER))


def test_a_look_shows_leases_runners_and_what_waits(scene: Scene, seen: leases.Look) -> None:
    ((run, token, beat, lease_ms),) = [
        (each.run_id, each.token, each.beat, each.lease_ms) for each in seen.leases
    ]
    assert (run, beat, lease_ms) == (run_id("a"), 0, 30_000)
    assert token
    assert seen.runners == {RUNNER: 1}
    assert seen.waiting == 1
    assert (seen.held, seen.paused) == (False, False)
    assert seen.due == attention.NOW, "a schedule that was never planned is due"


def test_a_look_that_is_not_at_others(scene: Scene, seen: leases.Look) -> None:
    """What it costs does not grow with runners and leases."""
    assert (seen.runners, len(seen.leases)) == ({RUNNER: 1}, 1)
    scene.submit("d")
    scene.store.call(runners.register_runner(D, RunnerId("other"), "{}"))

    def little(runner: RunnerId = RUNNER) -> leases.Look:
        return scene.store.call(leases.look(D, runner, thorough=False, others=False))

    assert (little().runners, little().leases) == ({RUNNER: 2}, ()), "its beat counts"
    assert little().waiting == 1, "that there is something, not how much"
    assert not little().drain
    assert scene.store.follow(runners.drain_runner(RUNNER, "me")) == "ok"
    assert little().drain
    assert not little(RunnerId("other")).drain
    assert little(RunnerId("stranger")).runners == {}
    scene.claims(2)
    assert little().waiting == 0
    assert len(scene.store.call(leases.look(D, RUNNER, thorough=False)).runners) == 2


def test_a_look_says_when_the_scheduler_must_look(scene: Scene) -> None:
    def due() -> int | None:
        return scene.store.call(leases.look(D, None)).due

    assert due() is None
    scene.submit("c", scheduled_at=4_102_444_800_000)
    assert due() == 4_102_444_800_000
    scene.deploy(schedules=(NIGHTLY,))
    (rule,) = scene.store.call(schedules.agenda(D)).schedules

    def plan(cursor_seen: int, next_ms: int | None) -> list[str]:
        cursor = cursor_seen + 1
        return scene.store.call(tick_schedule("nightly", 1, cursor_seen, cursor, next_ms, []))

    assert plan(rule.cursor_ms, 4_000_000_000_000) == ["ok"]
    assert due() == 4_000_000_000_000
    assert plan(rule.cursor_ms + 1, None) == ["ok"]
    assert due() == 4_102_444_800_000


def test_a_look_at_nothing(scene: Scene, client: Client) -> None:
    client.flushall()
    seen = scene.store.call(leases.look(D, RUNNER))
    assert (seen.leases, seen.runners, seen.waiting, seen.due) == ((), {}, 0, None)
    assert dump(client) == {}
