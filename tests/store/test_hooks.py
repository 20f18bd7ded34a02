"""Hooks that are owed: written down with the end, taken by one, struck out when called."""

from __future__ import annotations

from orchestrator.model.ids import RunId
from orchestrator.store import hooks, keys, leases, runs, upkeep
from orchestrator.store.deployments import delete_deployment
from tests.store.scene import LOST_OPTIONS, RUNNER, D, Scene, run_id
from tests.support.keyspace import Client, dump
from tests.support.waiting import eventually

HOLD_MS = 600_000


def lost(scene: Scene, name: str = "run", hooks_after_ms: int = 0) -> hooks.Owed:
    """A run that ended with its owner, and its token."""
    scene.deploy(options=LOST_OPTIONS)
    claimed = scene.running(name)
    reap = leases.reap_run(
        claimed.run_id, claimed.token, None, "lost", hooks_after_ms=hooks_after_ms
    )
    assert scene.store.call(reap) == "crashed"
    return claimed.run_id, claimed.token


def take(scene: Scene, count: int = 10) -> list[hooks.Owed]:
    return scene.store.call(hooks.take_hooks(D, count, HOLD_MS))


def owed(scene: Scene) -> bool:
    """What a runner sees in a look."""
    return scene.store.call(leases.look(D, RUNNER)).owed


def test_who_ended_with_its_owner_is_owed_its_hooks(scene: Scene, client: Client) -> None:
    assert not owed(scene)
    ended = lost(scene)

    assert owed(scene)
    assert not scene.store.call(leases.look(D, RUNNER, thorough=False)).owed
    assert take(scene) == [ended]
    assert take(scene) == []
    assert not owed(scene), "somebody calls them"
    scene.store.call(hooks.hooks_called(ended[0]))
    assert not client.exists(keys.hooks(D))


def test_they_are_taken_in_the_order_of_their_ends(scene: Scene, client: Client) -> None:
    ended = [lost(scene, name) for name in "abc"]
    for at, (each, _) in enumerate(ended):
        client.zadd(keys.hooks(D), {each: at})

    assert take(scene, 2) == ended[:2]
    assert take(scene, 2) == ended[2:]


def test_who_calls_them_himself_is_not_forestalled(scene: Scene, client: Client) -> None:
    ended = lost(scene, hooks_after_ms=HOLD_MS)

    assert take(scene) == []
    client.zadd(keys.hooks(D), {ended[0]: 1})  # he died of it, and his time is over
    assert take(scene) == [ended]


def test_a_cancelled_run_is_owed_them_when_it_had_begun(scene: Scene) -> None:
    begun, waiting = scene.running("begun"), scene.pending("waiting")
    for claimed in (begun, waiting):
        scene.cancel("begun" if claimed is begun else "waiting")
        assert scene.reap(claimed) == "cancelled"

    assert take(scene) == [(begun.run_id, begun.token)]


def test_a_recovered_run_is_owed_nothing(scene: Scene, client: Client) -> None:
    assert scene.reap(scene.running()) == "recovered"

    assert not client.exists(keys.hooks(D))


def test_a_run_takes_its_duty_along(scene: Scene, client: Client) -> None:
    ended = [lost(scene, name)[0] for name in ("deleted", "expired", "vanished")]
    scene.store.call(runs.delete_run(ended[0]))
    client.pexpire(keys.run(ended[1]), 1)
    client.zadd(keys.expiring(D), {ended[1]: 1})
    eventually(lambda: not client.exists(keys.run(ended[1])))
    scene.store.follow(upkeep.sweep_runs(D))
    assert client.zrange(keys.hooks(D), 0, -1) == [ended[2]]

    client.delete(keys.run(ended[2]))
    assert take(scene) == []
    assert not client.exists(keys.hooks(D))
    client.zrem(keys.runs(D), ended[2])
    client.zrem(keys.expiring(D), ended[2])


def test_a_deleted_deployment_owes_nothing(scene: Scene, client: Client) -> None:
    lost(scene)
    scene.store.follow(delete_deployment(D, force=True))

    assert not client.exists(keys.hooks(D))


def test_a_repeated_reap_changes_nothing(scene: Scene, client: Client) -> None:
    ended, token = lost(scene)
    before = dump(client)

    assert scene.store.call(leases.reap_run(RunId(ended), token, None, "lost")) == "stale"
    assert dump(client) == before
    assert ended == run_id()
