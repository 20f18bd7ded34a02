"""What a run says of itself: only the holder of its lease is heard (I8)."""

from __future__ import annotations

from orchestrator.store import deployments
from orchestrator.store.telling import name_run, set_progress
from tests.store.scene import Scene, run_id
from tests.support.keyspace import Client, dump

HALF = '{"done":1,"total":2,"text":null}'


def test_progress_is_kept_until_the_next_attempt(scene: Scene) -> None:
    claimed = scene.running()

    assert scene.store.call(set_progress(claimed.run_id, claimed.token, HALF)) == "ok"
    assert scene.run().progress == {"done": 1, "total": 2, "text": None}
    scene.release(claimed)
    assert scene.start(scene.claim()) == "ok"
    assert scene.run().progress is None


def test_a_name_is_given_once(scene: Scene) -> None:
    claimed = scene.running()

    assert scene.store.call(name_run(claimed.run_id, claimed.token, "calm otter")) == "ok"
    assert scene.store.call(name_run(claimed.run_id, claimed.token, "other")) == "named"
    assert scene.run().name == "calm otter"
    named = scene.running("named", name="mine")
    assert scene.store.call(name_run(named.run_id, named.token, "other")) == "named"


def test_who_lost_the_lease_is_not_heard(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    scene.finish(claimed)
    before = dump(client)

    for token in (claimed.token, "1.other"):
        assert scene.store.call(set_progress(claimed.run_id, token, HALF)) == "lease_lost"
        assert scene.store.call(name_run(claimed.run_id, token, "x")) == "lease_lost"
    assert scene.store.call(set_progress(run_id("never"), "1.x", HALF)) == "gone"
    assert scene.store.call(name_run(run_id("never"), "1.x", "x")) == "gone"
    assert dump(client) == before


def test_secrets_of_a_run_are_those_of_its_deployment_when_it_was_made(scene: Scene) -> None:
    secret = {"properties": {"token": {"type": "string", "writeOnly": True}}}
    scene.deploy(parameter_schema=secret, parameters={"token": "hidden"})
    scene.submit(parameters='{"token":"hidden"}')
    scene.deploy(parameter_schema={})

    run = scene.run()
    assert run.parameters == {"token": "hidden"}
    assert "hidden" not in f"{run} {run.to_json(0)}"
    scene.deploy(parameter_schema=secret, parameters={"token": "hidden"})
    (deployment,) = scene.store.follow(deployments.list_deployments())
    assert deployment.parameters == {"token": "hidden"}
    assert "hidden" not in f"{deployment} {deployment.to_json()}"
