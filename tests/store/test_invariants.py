"""The checker of the invariants sees each kind of damage; on an undamaged server it sees none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.model.ids import RunId
from orchestrator.store import keys
from tests.store.scene import DONE, RUNNER, D, Scene, run_id
from tests.support.invariants import violations
from tests.support.keyspace import Client, read_keyspace

WAITING, RUNNING, OVER = (run_id(name) for name in ("waiting", "running", "over"))


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """A run that waits, one that runs and one that is over."""
    scene.finish(scene.running("over"), DONE)
    scene.running("running")
    scene.submit("waiting")
    return scene


def test_a_sound_keyspace_has_no_violation(busy: Scene, client: Client) -> None:
    assert violations(read_keyspace(client)) == []


def ticket(client: Client, run: RunId) -> str:
    return str(client.hget(keys.run(run), "ticket")).partition(" ")[2]


def claim_without_lease(client: Client) -> None:
    client.zrem(keys.leases(D), RUNNING)


def lose_the_ticket(client: Client) -> None:
    client.xdel(keys.queue(D), ticket(client, WAITING))


def double_the_ticket(client: Client) -> None:
    client.xadd(keys.queue(D), {"run": WAITING})


def delay_what_has_a_ticket(client: Client) -> None:
    client.zadd(keys.delayed(D), {WAITING: 1})


def acknowledge_what_runs(client: Client) -> None:
    client.xack(keys.queue(D), keys.GROUP, ticket(client, RUNNING))


def queue_what_is_over(client: Client) -> None:
    client.xadd(keys.queue(D), {"run": OVER})


def queue_what_never_was(client: Client) -> None:
    client.xadd(keys.queue_late(D), {"run": run_id("never")})


def delete_a_claimed_entry(client: Client) -> None:
    client.xdel(keys.queue(D), ticket(client, RUNNING))


def keep_what_is_over(client: Client) -> None:
    client.persist(keys.run(OVER))


def let_an_open_run_expire(client: Client) -> None:
    client.pexpire(keys.run(WAITING), 60_000)


def hide_a_run(client: Client) -> None:
    client.zrem(keys.runs(D), WAITING)


def jump_over_states(client: Client) -> None:
    key = keys.run(WAITING)
    history = str(client.hget(key, "history")) + '[1,"Paused",0,"",""]\n[2,"Scheduled",0,"",""]\n'
    client.hset(key, "history", history)


def change_a_state_unseen(client: Client) -> None:
    client.hset(keys.run(OVER), "state", "Failed")


def attempt_too_often(client: Client) -> None:
    client.hset(keys.run(RUNNING), "attempt", 2)


def let_consumers_pile_up(client: Client) -> None:
    for number in range(11):
        client.xgroup_createconsumer(keys.queue(D), keys.GROUP, f"{RUNNER}-{number}")


def invent_a_key(client: Client) -> None:
    client.set(f"orc:{{{D}}}:surprise", 1)


def let_a_deployment_expire(client: Client) -> None:
    client.pexpire(keys.deployment(D), 60_000)


DAMAGES: list[tuple[Callable[[Client], None], str]] = [
    (claim_without_lease, "I13"),
    (lose_the_ticket, "I12"),
    (double_the_ticket, "I12"),
    (delay_what_has_a_ticket, "I12"),
    (acknowledge_what_runs, "I13"),
    (queue_what_is_over, "I14"),
    (queue_what_never_was, "I14"),
    (delete_a_claimed_entry, "I14"),
    (keep_what_is_over, "retention"),
    (let_an_open_run_expire, "retention"),
    (hide_a_run, "retention"),
    (jump_over_states, "history"),
    (change_a_state_unseen, "history"),
    (attempt_too_often, "I11"),
    (let_consumers_pile_up, "I17"),
    (invent_a_key, "schema"),
    (let_a_deployment_expire, "retention"),
]


@pytest.mark.damages_keys
@pytest.mark.parametrize(
    ("damage", "named"), DAMAGES, ids=lambda each: getattr(each, "__name__", "")
)
def test_damage_is_named(
    damage: Callable[[Client], None], named: str, busy: Scene, client: Client
) -> None:
    damage(client)

    found = violations(read_keyspace(client))

    assert any(line.startswith(named) for line in found), found
