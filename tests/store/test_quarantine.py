"""A server that is not the one it was: nothing is claimed until the runners have spoken (I4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.model.ids import RunId, RunnerId
from orchestrator.store import deployments, keys, leases, runners
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.requests import as_is, for_run
from tests.store.scene import DEFINITION, RUNNER, D, Scene, run_id
from tests.support import Server, binaries, eventually
from tests.support.keyspace import Client, dump, open_client

LEASE_MS = 30_000
OTHER = RunnerId("runner-b")
UNKNOWN = "9.never-claimed"


@pytest.fixture(params=binaries(), ids=lambda path: path.rpartition("/")[2])
def durable(request: pytest.FixtureRequest) -> Iterator[Server]:
    """With an append-only file, to be restarted."""
    options = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    server = Server(binary=request.param, options=options).start()
    yield server
    server.stop()


@pytest.fixture
def kept(durable: Server) -> Iterator[Scene]:
    """The deployment of ``scene`` on the durable server."""
    scene = Scene(open_store(durable.url))
    scene.deploy()
    yield scene
    scene.store.close()


def beat(store: Store, runner: RunnerId, *held: tuple[RunId, str]) -> leases.Beats:
    return store.call(leases.beat_runs(D, runner, LEASE_MS, held))


def again(server: Server) -> None:
    server.kill()
    server.start()


def become_another(client: Client) -> None:
    """As if the server had been another one before."""
    client.hset(keys.deployment(D), "server", "another")


def test_after_a_restart_claims_wait_for_every_runner(kept: Scene, durable: Server) -> None:
    kept.store.call(runners.register_runner(D, OTHER, "{}"))
    mine = kept.pending("mine")
    kept.submit("next")
    again(durable)

    waiting = kept.claims()
    assert waiting.word == "quarantined"
    assert 0 < waiting.wait_ms <= 5_000, "with an append-only file little can be lost"
    assert kept.claims().word == "quarantined"
    assert beat(kept.store, RUNNER, (mine.run_id, mine.token)).words == ("OK",)
    assert kept.claims().word == "quarantined", "the other has said nothing yet"

    heard = kept.store.listen(keys.control(D))
    assert beat(kept.store, OTHER).wait_ms == 0
    assert heard.wait(5) == (keys.control(D), "queue"), "whoever waited claims"
    assert [each.run_id for each in kept.claims().runs] == [run_id("next")]
    heard.close()


def test_who_holds_what_the_server_does_not_know_has_to_let_go_first(
    kept: Scene, durable: Server
) -> None:
    kept.submit("lost claim")
    again(durable)

    beats = beat(kept.store, RUNNER, (run_id("lost claim"), UNKNOWN))
    assert beats.words == ("LOST",)
    assert beats.wait_ms > 0
    assert kept.claims().word == "quarantined", "its processes may still execute"
    assert beat(kept.store, RUNNER).wait_ms == 0, "they are gone"
    assert len(kept.claims().runs) == 1


def test_where_nobody_is_registered_nobody_is_waited_for(kept: Scene, durable: Server) -> None:
    kept.store.call(runners.leave_runner(D, RUNNER, False))
    kept.submit()
    again(durable)

    assert beat(kept.store, OTHER) == leases.Beats(False, (), 0)
    kept.store.call(runners.register_runner(D, OTHER, "{}"))
    assert beat(kept.store, OTHER).wait_ms == 0
    assert len(kept.claims(runner=OTHER).runs) == 1


def test_without_append_only_file_a_whole_lease_is_waited(scene: Scene, client: Client) -> None:
    scene.submit()
    become_another(client)
    assert scene.claims().wait_ms == LEASE_MS
    assert beat(scene.store, RUNNER).wait_ms > 0, "whoever lost its registration is not heard"
    facts: list[str] = scene.store.call(for_run(run_id(), "explain_run", as_is))
    assert 0 < int(facts[-1]) <= LEASE_MS

    client.hset(keys.deployment(D), "quarantine", f"1 {LEASE_MS} nobody")
    assert len(scene.claims().runs) == 1, "it is over"


def test_after_a_promotion_beats_may_still_be_on_their_way(kept: Scene, durable: Server) -> None:
    """The longest quarantine: a lease, and as long as a replica may lag behind."""
    with open_client(durable.url) as client:
        # One that never met its primary gets a second history all the same when it is made one.
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        client.execute_command("REPLICAOF", "NO", "ONE")
        become_another(client)
    assert kept.claims().wait_ms == LEASE_MS + 10_000


def test_a_clock_that_was_set_back_does_not_stretch_it(scene: Scene, client: Client) -> None:
    scene.submit()
    become_another(client)
    assert scene.claims().word == "quarantined"
    over = int(client.time()[0]) * 1000 + 3_600_000
    client.hset(keys.deployment(D), "quarantine", f"{over} {LEASE_MS} nobody")
    assert len(scene.claims().runs) == 1


def test_a_deployment_from_before_there_were_quarantines(scene: Scene, client: Client) -> None:
    scene.submit()
    client.hdel(keys.deployment(D), "server")
    assert len(scene.claims().runs) == 1


def test_all_is_lost_and_the_server_is_the_same(scene: Scene, client: Client) -> None:
    """FLUSHALL: as many runners are waited for as listen, since none is registered any more."""
    server = client.info("server")["run_id"]
    ears = [scene.store.listen(keys.control(D)) for _ in range(2)]
    client.flushall()
    put = deployments.put_deployment(DEFINITION, server=server, lease_ms=LEASE_MS)
    assert scene.store.call(put).word == "created"
    for each in ears:
        assert each.wait(5) == (keys.control(D), "runs"), "they are asked what they hold"
    scene.store.call(runners.register_runner(D, RUNNER, "{}"))
    scene.submit()

    assert beat(scene.store, RUNNER).wait_ms > 0, "the other has not even registered"
    assert scene.claims().word == "quarantined"
    scene.store.call(runners.register_runner(D, OTHER, "{}"))
    assert beat(scene.store, OTHER).wait_ms == 0
    assert len(scene.claims().runs) == 1
    for each in ears:
        each.close()


@pytest.mark.parametrize("server", ["another", ""], ids=["served before", "somebody listens"])
def test_all_is_lost_and_nobody_knows_who_is_left(
    scene: Scene, client: Client, server: str
) -> None:
    ear = scene.store.listen(keys.control(D))
    client.flushall()
    put = deployments.put_deployment(DEFINITION, server=server, lease_ms=LEASE_MS)
    scene.store.call(put)
    scene.store.call(runners.register_runner(D, RUNNER, "{}"))
    assert beat(scene.store, RUNNER).wait_ms > 0
    assert scene.claims().wait_ms > 5_000
    ear.close()


def test_a_first_serving_waits_for_nobody(scene: Scene, client: Client) -> None:
    client.flushall()
    scene.deploy()
    scene.submit()
    before = dump(client)
    assert beat(scene.store, OTHER) == leases.Beats(False, (), 0)
    assert dump(client) == before
    assert len(scene.claims().runs) == 1


def test_a_runner_that_left_is_not_waited_for(kept: Scene, durable: Server) -> None:
    kept.store.call(runners.register_runner(D, OTHER, "{}"))
    again(durable)
    assert beat(kept.store, RUNNER).wait_ms > 0
    kept.store.call(runners.leave_runner(D, OTHER, False))
    kept.submit()
    eventually(lambda: kept.claims().runs, why="claims go on")
