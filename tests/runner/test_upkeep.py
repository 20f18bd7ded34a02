"""What runners do for a deployment beside its runs: sweeping, repairing (F42)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.states import State
from orchestrator.store import keys
from tests.runner.serving import NAME, Place
from tests.support import eventually
from tests.support.keyspace import Client, open_client

D = deployment_id(NAME)
WAITS = """
@flow
def work():
    while not Path("go").exists():
        time.sleep(0.01)
"""


def test_an_ended_run_is_forgotten_when_its_time_is_over(place: Place) -> None:
    place.flows("@flow\ndef work(): pass\n")
    place.start(lease_seconds=1.0, retention_seconds=0.3)
    place.submit()
    with open_client(place.server.url) as client:
        eventually(lambda: client.exists(keys.expiring(D)), why="the run ends")
        eventually(lambda: not client.exists(keys.runs(D), keys.expiring(D)), why="it is forgotten")


def trim(client: Client, queued: RunId) -> None:
    client.xtrim(keys.queue(D), maxlen=0)


def destroy_the_group(client: Client, queued: RunId) -> None:
    client.xgroup_destroy(keys.queue(D), keys.GROUP)


def delete_the_stream(client: Client, queued: RunId) -> None:
    client.delete(keys.queue(D))


def delete_all_sets(client: Client, queued: RunId) -> None:
    client.delete(keys.leases(D), keys.delayed(D), keys.expiring(D))


def delete_the_index(client: Client, queued: RunId) -> None:
    client.delete(keys.runs(D))


def delete_the_deployment(client: Client, queued: RunId) -> None:
    client.delete(keys.deployment(D), keys.runners(D), keys.DEPLOYMENTS)


@pytest.mark.parametrize(
    "damage",
    [
        trim,
        destroy_the_group,
        delete_the_stream,
        delete_all_sets,
        delete_the_index,
        delete_the_deployment,
    ],
    ids=lambda each: each.__name__,
)
def test_I1_damaged_keys_are_mended_while_a_run_goes_on(
    place: Place, damage: Callable[[Client, RunId], None]
) -> None:
    place.flows(WAITS)
    runner = place.start(lease_seconds=1.0, limit=1)
    first = place.submit()
    place.in_state(first, State.RUNNING)
    queued = place.submit()
    with open_client(place.server.url) as client:
        damage(client, queued)
        (place.folder / "go").touch()
        assert [place.ended(each).state for each in (first, queued)] == [State.COMPLETED] * 2
        assert [place.run(each).attempt for each in (first, queued)] == [1, 1]
        eventually(lambda: client.zcard(keys.runs(D)) == client.zcard(keys.expiring(D)) == 2)
    assert runner.output.count("Repaired damaged keys.") <= 3
