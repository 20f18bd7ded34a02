"""Upkeep: ended runs are forgotten when their time is over, damaged keys are mended (F42, I22)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.store import keys, leases, runs, upkeep
from orchestrator.store.listing import list_runs
from tests.store.scene import DONE, FAILED, RUNNER, D, Scene, run_id
from tests.support.invariants import assert_invariants, violations
from tests.support.keyspace import Client, dump, read_keyspace
from tests.support.waiting import eventually

LATER = 4_102_444_800_000
WAITING, DELAYED, RETRIED, RUNNING, OVER = (
    run_id(name) for name in ("waiting", "delayed", "retried", "running", "over")
)


def look(scene: Scene) -> leases.Look:
    return scene.store.call(leases.look(D, RUNNER))


def ended(scene: Scene, name: str, keep_ms: int) -> RunId:
    """A run that is over and kept for so long."""
    scene.submit(name)
    scene.store.call(runs.cancel_run(run_id(name), "a person", keep_ms))
    return run_id(name)


def test_an_ended_run_leaves_with_its_record(scene: Scene, client: Client) -> None:
    kept, _ = ended(scene, "kept", 60_000), ended(scene, "short", 1)
    scene.submit("open")
    eventually(lambda: look(scene).expired)

    assert scene.store.follow(upkeep.sweep_runs(D)) == 1
    assert set(client.zrange(keys.runs(D), 0, -1)) == {kept, run_id("open")}
    assert client.zrange(keys.expiring(D), 0, -1) == [kept]
    assert not look(scene).expired
    assert not look(scene).odd


def test_only_a_thorough_look_pays_for_seeing_what_needs_upkeep(
    scene: Scene, client: Client
) -> None:
    ended(scene, "over", 1)
    scene.submit("lost")
    client.xtrim(keys.queue(D), maxlen=0)
    eventually(lambda: look(scene).expired)
    assert look(scene).odd

    quick = scene.store.call(leases.look(D, RUNNER, thorough=False))

    assert (quick.expired, quick.odd) == (False, False)
    scene.store.follow(upkeep.repair_deployment(D, 60_000))


def test_F09_long_lived_runs_in_front_block_nothing(scene: Scene, client: Client) -> None:
    for number in range(30):
        scene.submit(f"open-{number}")
        ended(scene, f"kept-{number}", 60_000)
    for number in range(1_100):
        ended(scene, f"short-{number}", 1)
    eventually(lambda: look(scene).expired)

    def swept() -> bool:
        scene.store.follow(upkeep.sweep_runs(D))
        return int(client.zcard(keys.runs(D))) == 60

    eventually(swept)
    assert client.zcard(keys.expiring(D)) == 30


def test_a_sweep_never_takes_an_open_run(scene: Scene, client: Client) -> None:
    scene.submit("open")
    client.zadd(keys.expiring(D), {run_id("open"): 1})

    scene.store.follow(upkeep.sweep_runs(D))
    assert scene.state("open") is State.SCHEDULED
    assert_invariants(client)


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """A run of each kind."""
    scene.finish(scene.running("over"), DONE)
    scene.running("running")
    scene.finish(
        scene.running("retried"),
        leases.Outcome(state=State.FAILED, retries=1, retry_delay_ms=900_000),
    )
    scene.submit("waiting")
    scene.submit("delayed", scheduled_at=LATER)
    return scene


def ticket(client: Client, run: RunId) -> str:
    return str(client.hget(keys.run(run), "ticket")).partition(" ")[2]


def trim(client: Client) -> None:
    client.xtrim(keys.queue(D), maxlen=0)


def delete_the_stream(client: Client) -> None:
    client.delete(keys.queue(D))


def destroy_the_group(client: Client) -> None:
    client.xgroup_destroy(keys.queue(D), keys.GROUP)


def set_the_group_to_the_end(client: Client) -> None:
    client.xgroup_setid(keys.queue(D), keys.GROUP, "$")


def delete_the_delays(client: Client) -> None:
    client.delete(keys.delayed(D))


def delete_the_leases(client: Client) -> None:
    client.delete(keys.leases(D))


def delete_the_index(client: Client) -> None:
    client.delete(keys.runs(D))


def delete_the_expiring(client: Client) -> None:
    client.delete(keys.expiring(D))


def delete_all_that_leads_to_runs(client: Client) -> None:
    for key in (keys.queue(D), keys.delayed(D), keys.leases(D), keys.expiring(D)):
        client.delete(key)


def delete_a_waiting_record(client: Client) -> None:
    client.delete(keys.run(WAITING))


def delete_a_claimed_record(client: Client) -> None:
    client.delete(keys.run(RUNNING))


def delete_an_ended_record(client: Client) -> None:
    client.delete(keys.run(OVER))


def keep_an_ended_record(client: Client) -> None:
    client.persist(keys.run(OVER))
    client.zrem(keys.expiring(D), OVER)


def let_an_open_record_expire(client: Client) -> None:
    client.pexpire(keys.run(WAITING), 60_000)
    client.zadd(keys.expiring(D), {WAITING: LATER})


def double_the_ticket(client: Client) -> None:
    client.xadd(keys.queue_late(D), {"run": WAITING})


def queue_what_is_over(client: Client) -> None:
    client.xadd(keys.queue_first(D), {"run": OVER})


def leave_a_taken_ticket_of_what_is_over(client: Client) -> None:
    client.xadd(keys.queue_first(D), {"run": OVER})
    client.xgroup_create(keys.queue_first(D), keys.GROUP, 0)
    client.xreadgroup(keys.GROUP, RUNNER, {keys.queue_first(D): ">"})


def delay_what_has_a_ticket(client: Client) -> None:
    client.zadd(keys.delayed(D), {WAITING: LATER})


def lease_what_waits(client: Client) -> None:
    client.zadd(keys.leases(D), {WAITING: 1})


DAMAGES: list[Callable[[Client], None]] = [
    trim,
    delete_the_stream,
    destroy_the_group,
    set_the_group_to_the_end,
    delete_the_delays,
    delete_the_leases,
    delete_the_index,
    delete_the_expiring,
    delete_all_that_leads_to_runs,
    delete_a_waiting_record,
    delete_a_claimed_record,
    delete_an_ended_record,
    keep_an_ended_record,
    let_an_open_record_expire,
    double_the_ticket,
    queue_what_is_over,
    leave_a_taken_ticket_of_what_is_over,
    delay_what_has_a_ticket,
    lease_what_waits,
]

UNSEEN = (delete_a_waiting_record, delete_an_ended_record)
"""What no look counts: the next claim drops such a ticket, and the sweep such an end."""


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_I22_damage_is_seen_and_mended(
    damage: Callable[[Client], None], busy: Scene, client: Client
) -> None:
    sound = dump(client)
    assert not look(busy).odd
    assert busy.store.follow(upkeep.audit_deployment(D)) == []
    assert busy.store.follow(upkeep.repair_deployment(D)) == 0
    assert {key: sound[key] for key in sound if "runners" not in key} == {
        key: text for key, text in dump(client).items() if "runners" not in key
    }

    damage(client)
    assert look(busy).odd == (damage not in UNSEEN)
    damaged = dump(client)
    assert busy.store.follow(upkeep.audit_deployment(D)), "it is named"
    assert dump(client) == damaged, "and nothing is changed"
    assert busy.store.follow(upkeep.repair_deployment(D)) > 0
    assert not look(busy).odd
    assert busy.store.follow(upkeep.repair_deployment(D)) == 0

    # The pending tickets of claimed runs are not made anew: they lead nobody anywhere.
    assert [line for line in violations(read_keyspace(client)) if not _of_a_claim(line)] == []
    _end_what_runs(busy)
    assert_invariants(client)
    every = {claimed.run_id for claimed in busy.claims(count=5).runs}
    assert every == {WAITING} & set(_records(busy))
    assert busy.store.call(leases.look(D, None)).due is not None


def _of_a_claim(line: str) -> bool:
    return "its ticket must be pending once" in line or "its entry gone" in line


def _records(scene: Scene) -> list[RunId]:
    return [run.id for run in scene.store.follow(list_runs())]


def _end_what_runs(scene: Scene) -> None:
    for seen in look(scene).leases:
        finished = leases.finish_run(seen.run_id, seen.token, FAILED)
        assert scene.store.call(finished).word == "ok"


def test_a_walk_of_many_pages(scene: Scene, client: Client) -> None:
    for number in range(250):
        scene.submit(str(number))
    client.delete(keys.queue(D))

    assert scene.store.follow(upkeep.repair_deployment(D)) == 250
    claimed = [each.run_id for each in scene.claims(count=250).runs]
    assert set(claimed) == {run_id(str(number)) for number in range(250)}
    made = client.zmscore(keys.runs(D), claimed)
    assert made == sorted(made), "in their order"
