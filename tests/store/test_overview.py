"""What the first page shows, over real servers."""

from __future__ import annotations

from orchestrator.model.states import State
from orchestrator.store import deployments, keys
from orchestrator.store.overview import Overview, read_overview
from tests.store.scene import FAILED, D, Scene, run_id
from tests.support.keyspace import Client

NOW = 4_000_000_000_000
"""Long after everything that a scene makes."""


def overview(scene: Scene) -> Overview:
    scene.store.call(deployments.announce_deployment(D))
    return scene.store.follow(read_overview(NOW, NOW))


def test_what_goes_on(scene: Scene) -> None:
    for name in ("done", "running", "waiting"):
        scene.submit(name)
    claimed = scene.claim()
    scene.start(claimed)
    scene.finish(claimed, FAILED)
    running = scene.claim()
    scene.start(running)
    scene.submit("later", scheduled_at=NOW + 1)

    found = overview(scene)

    assert (found.deployments, found.running, found.waiting, found.delayed) == (1, 1, 1, 1)
    assert [run.id for run in found.now] == [running.run_id]
    assert [run.id for run in found.failed] == [claimed.run_id]
    assert [run.id for run in found.late] == [run_id("waiting")]
    assert [each.run_id for each in found.coming] == [run_id("later")]
    assert {run.state for run in found.timeline[0]} >= {State.FAILED, State.RUNNING}


def test_a_deployment_that_has_just_gone(scene: Scene, client: Client) -> None:
    scene.store.call(deployments.announce_deployment(D))
    client.delete(keys.deployment(D), keys.runs(D), keys.schedules(D), keys.runners(D))

    assert scene.store.follow(read_overview(NOW, NOW)).deployments == 0
    client.srem(keys.DEPLOYMENTS, D)
