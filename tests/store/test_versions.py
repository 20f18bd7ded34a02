"""What was served under a name, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.deployment import FlowOptions
from orchestrator.model.ids import DeploymentId
from orchestrator.model.versions import DeploymentVersion, Registrant
from orchestrator.store import deployments
from orchestrator.store.caller import Store
from orchestrator.store.versions import MOST_VERSIONS, note_code, read_versions
from tests.store.scene import DEFINITION, NIGHTLY, D, Scene

HERE = Registrant(host="here", pid=7, runner="runner-a")
CODE, OTHER = "c" * 64, "d" * 64


def put(store: Store, by: Registrant = HERE, **changes: Any) -> None:
    store.call(deployments.put_deployment(replace(DEFINITION, **changes), by=by))


def kept(store: Store) -> list[DeploymentVersion]:
    return store.call(read_versions(D))


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_the_first_and_what_changed_since(store: Store) -> None:
    put(store, version="1", parameters={"who": "a", "times": 1}, parameter_schema=schema(who={}))
    put(store, version="1", parameters={"who": "a", "times": 1}, parameter_schema=schema(who={}))
    put(
        store,
        replace(HERE, host="there"),
        version="2",
        parameters={"who": "b", "times": 1, "new": 2},
        parameter_schema=schema(who={"type": "string"}, new={}),
        options=FlowOptions(retries=2, on_lost="fail"),
        schedules=(NIGHTLY,),
        tags=("x",),
    )

    second, first = kept(store)
    assert (first.number, first.version, first.host, first.pid) == (1, "1", "here", 7)
    assert first.changes == ()
    assert (second.number, second.version, second.host) == (2, "2", "there")
    assert sorted(second.changes) == [
        "accepted parameters changed: new, who",
        "options changed: on_lost, retries",
        "parameters changed: new, who",
        "schedule nightly added",
        "tags changed",
        "version 1 -> 2",
    ]
    assert first.at_ms <= second.at_ms


def test_values_of_parameters_are_not_kept(store: Store) -> None:
    put(store, parameters={"password": "hush-1"})
    put(store, parameters={"password": "hush-2"})

    assert "hush" not in repr(kept(store))
    assert kept(store)[0].changes == ("parameters changed: password",)


def test_a_pause_is_no_version(scene: Scene) -> None:
    scene.deploy()
    scene.deploy(paused=True)
    scene.deploy(paused=False)

    assert len(kept(scene.store)) == 1


def test_the_code_is_known_when_it_is_loaded(store: Store) -> None:
    put(store)
    loaded = replace(HERE, content_hash=CODE)
    assert store.call(note_code(D, None, loaded)) == "ok"
    assert store.call(note_code(D, None, loaded)) == "unchanged"
    assert [each.content_hash for each in kept(store)] == [CODE]

    newer = replace(HERE, commit="e" * 40, content_hash=OTHER)
    assert store.call(note_code(D, "v", newer)) == "ok"
    second, first = kept(store)
    assert (first.content_hash, first.commit) == (CODE, None)
    assert (second.content_hash, second.commit, second.version) == (OTHER, "e" * 40, "v")
    assert second.changes == (f"code {CODE[:12]} -> {'e' * 12}",)


@pytest.mark.parametrize("d", [D, DeploymentId("a" * 12)])
def test_code_of_a_deployment_that_is_gone(store: Store, d: DeploymentId) -> None:
    assert store.call(note_code(d, None, replace(HERE, content_hash=CODE))) == "gone"
    assert store.call(read_versions(d)) == []


def test_the_oldest_go(store: Store) -> None:
    for number in range(MOST_VERSIONS + 5):
        put(store, version=str(number))

    numbers = [each.number for each in kept(store)]
    assert numbers == list(range(MOST_VERSIONS + 5, 5, -1))


def test_they_go_with_the_deployment(store: Store) -> None:
    put(store)
    store.follow(deployments.delete_deployment(D))
    assert kept(store) == []

    put(store)
    assert [each.number for each in kept(store)] == [1]
