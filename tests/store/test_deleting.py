"""Deleting runs and deployments: all of it goes, and nothing that is still needed."""

from __future__ import annotations

import pytest

from orchestrator.model.ids import RunnerId
from orchestrator.store import attention, deployments, keys, leases, logs, runners, runs
from orchestrator.store.deployments import DeleteReply, delete_deployment
from orchestrator.store.listing import list_runs
from orchestrator.store.requests import Request
from tests.store.scene import DEFINITION, NIGHTLY, RUNNER, D, Scene, run_id
from tests.support.keyspace import Client, dump

LINE = b'{"t":1.0,"l":"INFO","n":"flow","m":"text","a":1}\n'


def delete(scene: Scene, name: str = "run") -> str:
    return scene.store.call(runs.delete_run(run_id(name)))


def test_an_ended_run_goes_with_its_log(scene: Scene, client: Client) -> None:
    before = set(dump(client))
    claimed = scene.running()
    scene.store.call(logs.append_log(claimed.run_id, claimed.token, LINE, 60_000))
    scene.finish(claimed)

    assert delete(scene) == "ok"
    assert set(dump(client)) - before == {keys.queue(D)}
    assert client.xlen(keys.queue(D)) == 0
    assert delete(scene) == "gone"
    assert scene.store.follow(list_runs()) == []


def test_an_open_run_stays(scene: Scene, client: Client) -> None:
    scene.submit("waiting")
    scene.submit("later", scheduled_at=4_102_444_800_000)
    scene.running("running")
    before = dump(client)

    assert [delete(scene, name) for name in ("waiting", "later", "running")] == ["open"] * 3
    assert dump(client) == before


def test_the_last_words_about_a_deleted_run_change_nothing(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    scene.finish(claimed)
    delete(scene)
    before = dump(client)

    assert scene.finish(claimed).word == "gone"
    assert scene.reap(claimed) == "gone"
    assert scene.store.call(logs.append_log(claimed.run_id, claimed.token, LINE, 1)) == "gone"
    assert scene.claims(nonce=claimed.token.partition(".")[2]).runs == ()
    assert dump(client) == before


def test_a_deployment_goes_with_all_of_its_keys(scene: Scene, client: Client) -> None:
    scene.deploy(schedules=(NIGHTLY,))
    claimed = scene.running("ended")
    scene.store.call(logs.append_log(claimed.run_id, claimed.token, LINE, 60_000))
    scene.finish(claimed)
    scene.submit("waiting")
    scene.submit("later", scheduled_at=4_102_444_800_000)
    scene.store.call(attention.lower_attention(D, 1))
    scene.store.call(runners.leave_runner(D, RUNNER, False))

    assert scene.store.follow(delete_deployment(D)) == DeleteReply("ok", 3)
    assert list(dump(client)) == [keys.outbox(D)], "what happened last is still to be told"
    assert scene.submit().word == "no_deployment"
    assert scene.store.follow(delete_deployment(D)) == DeleteReply("gone", 0)


def test_many_runs_go_in_bounded_steps(scene: Scene, client: Client) -> None:
    for number in range(401):
        scene.submit(str(number))
    scene.store.call(runners.leave_runner(D, RUNNER, False))

    assert scene.store.follow(delete_deployment(D)) == DeleteReply("ok", 401)
    assert list(dump(client)) == [keys.outbox(D)]


def test_what_is_served_stays_unless_forced(scene: Scene, client: Client) -> None:
    scene.submit()
    before = dump(client)
    assert scene.store.follow(delete_deployment(D)) == DeleteReply("served", 0)
    assert dump(client) == before

    assert scene.store.follow(delete_deployment(D, force=True)) == DeleteReply("ok", 1)
    assert list(dump(client)) == [keys.outbox(D)]


def test_runs_under_way_stay_unless_forced(scene: Scene, client: Client) -> None:
    claimed = scene.running()
    scene.store.call(runners.leave_runner(D, RUNNER, False))
    before = dump(client)
    assert scene.store.follow(delete_deployment(D)) == DeleteReply("running", 0)
    assert dump(client) == before

    heard = scene.store.listen(keys.control(D), keys.ended(D))
    scene.store.follow(delete_deployment(D, force=True))
    assert {heard.wait(5), heard.wait(5)} == {
        (keys.ended(D), run_id()),
        (keys.control(D), "runs"),
    }
    heard.close()
    beats = scene.store.call(leases.beat_runs(D, RUNNER, 30_000, [(claimed.run_id, claimed.token)]))
    assert beats.words == ("LOST",)
    assert list(dump(client)) == [keys.outbox(D)]


def first_page(*, force: bool) -> Request[list[str]]:
    (request,) = next(delete_deployment(D, force=force))
    return request


def test_a_deletion_that_broke_off_is_finished_by_the_next(scene: Scene, client: Client) -> None:
    for number in range(250):
        scene.submit(str(number))
    assert scene.store.call(first_page(force=True)) == ["more", "200"]
    assert scene.submit("new").word == "no_deployment"
    assert scene.claims().word == "gone"

    assert scene.store.follow(delete_deployment(D)) == DeleteReply("ok", 50)
    assert list(dump(client)) == [keys.outbox(D)]


def test_what_a_broken_deletion_left_can_still_be_run(scene: Scene) -> None:
    for number in range(201):
        scene.submit(str(number))
    scene.store.call(first_page(force=True))

    scene.deploy()
    assert scene.start(scene.claim()) == "ok"


def test_one_who_serves_it_meanwhile_keeps_the_rest(scene: Scene) -> None:
    for number in range(201):
        scene.submit(str(number))
    plan = delete_deployment(D, force=True)
    replies = scene.store.call_all(next(plan))
    scene.deploy()
    replies = scene.store.call_all(plan.send(replies))
    with pytest.raises(StopIteration) as end:
        plan.send(replies)

    assert end.value.value == DeleteReply("revived", 200)
    assert len(scene.store.follow(list_runs())) == 1
    assert scene.store.follow(deployments.list_deployments())


def test_one_who_serves_it_at_the_last_moment_is_listed(scene: Scene) -> None:
    plan = delete_deployment(D, force=True)
    forgotten = plan.send(scene.store.call_all(next(plan)))
    scene.deploy()
    looked = plan.send(scene.store.call_all(forgotten))
    repaired = plan.send(scene.store.call_all(looked))
    with pytest.raises(StopIteration):
        plan.send(scene.store.call_all(repaired))

    (found,) = scene.store.follow(deployments.list_deployments())
    assert found.name == DEFINITION.full_name
    assert scene.store.call(attention.next_attention()) == 0


def test_a_runner_is_told_to_drain(scene: Scene, client: Client) -> None:
    heard = scene.store.listen(keys.control(D))
    assert not scene.store.call(leases.look(D, RUNNER)).drain
    assert scene.store.follow(runners.drain_runner(RUNNER, "me")) == "ok"
    assert heard.wait(5) == (keys.control(D), "drain")
    heard.close()
    assert scene.store.call(leases.look(D, RUNNER)).drain
    assert not scene.store.call(leases.look(D, None)).drain
    before = dump(client)
    assert scene.store.follow(runners.drain_runner(RUNNER, "me")) == "unchanged"
    assert scene.store.follow(runners.drain_runner(RunnerId("nobody"), "me")) == "gone"
    assert dump(client) == before

    scene.store.call(runners.leave_runner(D, RUNNER, False))
    assert scene.store.follow(runners.drain_runner(RUNNER, "me")) == "gone"
