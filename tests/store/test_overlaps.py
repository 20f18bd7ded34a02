"""What becomes of an occurrence that finds earlier runs of its schedule not over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from orchestrator.model.deployment import Overlap
from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.store import deployments, keys, runs, schedule_edits, schedules
from tests.store.scene import DONE, FAILED, NIGHTLY, D, Scene, run_id
from tests.support.keyspace import Client


@dataclass
class Night:
    """A schedule with an overlap policy, and its runs by short names."""

    scene: Scene
    client: Client
    overlap: Overlap

    def tick(self, *names: str) -> None:
        (rule,) = self.scene.store.call(schedules.agenda(D)).schedules
        tick = schedules.Tick(
            slug="nightly",
            generation=rule.generation,
            cursor_seen=rule.cursor_ms,
            cursor=rule.cursor_ms + 1,
            next_ms=None,
            occurrences=tuple(
                schedules.Occurrence(run_id=run_id(n), due_ms=1, parameters="{}", late=False)
                for n in names
            ),
            overlap=self.overlap,
        )
        assert self.scene.store.call(schedules.tick_schedules(D, [tick])) == ["ok"]

    def states(self, *names: str) -> list[State]:
        return [self.scene.state(name) for name in names]

    def look_again(self) -> int:
        """The second between two looks at what waits is over; how many were queued."""
        for delayed in self.client.zrange(keys.delayed(D), 0, -1):
            self.client.zadd(keys.delayed(D), {delayed: 1})
        return self.scene.store.call(schedules.promote_delayed(D)).count

    def reason(self, name: str) -> str | None:
        return self.scene.run(name).reason


@pytest.fixture
def night(scene: Scene, client: Client, request: pytest.FixtureRequest) -> Night:
    scene.deploy(schedules=(replace(NIGHTLY, overlap=request.param),))
    return Night(scene, client, request.param)


def with_overlap(overlap: Overlap) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("night", [overlap], indirect=True)


@with_overlap("allow")
def test_allow_lets_runs_overlap(night: Night) -> None:
    night.tick("a")
    night.tick("b", "c")

    assert [claimed.run_id for claimed in night.scene.claims(3).runs] == [
        run_id(name) for name in "abc"
    ]


@with_overlap("skip")
def test_skip_records_what_it_left_out(night: Night) -> None:
    night.tick("a", "b")
    claimed = night.scene.claim()
    night.tick("c")

    assert night.states("a", "b", "c") == [State.PENDING, State.SKIPPED, State.SKIPPED]
    assert night.reason("c") == f"overlap: run {run_id('a')} is not over"
    assert night.scene.path("c") == ["Scheduled", "Skipped"]
    assert night.client.pttl(keys.run(run_id("c"))) > 0
    night.scene.finish(claimed)
    night.tick("d")
    assert night.scene.claim().run_id == run_id("d")


@with_overlap("skip")
def test_a_run_that_is_tried_again_is_not_over(night: Night) -> None:
    night.tick("a")
    night.scene.finish(night.scene.claim(), replace(FAILED, retries=1, retry_delay_ms=60_000))
    night.tick("b")

    assert night.states("a", "b") == [State.AWAITING_RETRY, State.SKIPPED]


@with_overlap("skip")
def test_runs_that_people_asked_for_do_not_count(night: Night) -> None:
    night.scene.running("asked")
    night.tick("a")

    assert night.states("a") == [State.SCHEDULED]


@with_overlap("queue")
def test_queue_runs_one_after_the_other(night: Night) -> None:
    night.tick("a", "b")
    night.tick("c")
    order: list[RunId] = []
    for _ in range(3):
        (claimed,) = night.scene.claims(5).runs
        assert night.look_again() == 0
        order.append(claimed.run_id)
        night.scene.finish(claimed, DONE)
        night.look_again()

    assert order == [run_id(name) for name in "abc"]
    assert "overlap: waits for the end of run" in night.scene.run("b").history[0].reason


@with_overlap("queue")
def test_a_gap_in_the_queue_lets_nobody_overtake(night: Night) -> None:
    night.tick("a", "b", "c")
    claimed = night.scene.claim()
    assert night.scene.cancel("b") == "cancelled"

    assert night.look_again() == 0, "a is not over"
    night.scene.finish(claimed)
    assert night.look_again() == 1
    assert night.scene.claim().run_id == run_id("c")


@with_overlap("queue")
def test_the_queue_is_bounded(night: Night) -> None:
    night.tick(*(str(number) for number in range(103)))

    assert night.states("99", "100", "102") == [State.SCHEDULED, State.SKIPPED, State.SKIPPED]
    assert night.reason("100") == "overlap: 100 runs wait already"


@with_overlap("queue")
def test_a_pause_skips_what_waits(night: Night) -> None:
    night.tick("a", "b")
    night.scene.claim()
    night.scene.store.follow(deployments.pause_deployment(D, "user"))

    assert night.states("a", "b") == [State.PENDING, State.SKIPPED]


@with_overlap("queue")
def test_without_its_schedule_nothing_is_waited_for(night: Night) -> None:
    night.tick("a", "b")
    night.client.hdel(keys.schedules(D), "nightly:open")

    assert night.look_again() == 1


@with_overlap("cancel_running")
def test_cancel_running_ends_what_waits_and_stops_what_runs(night: Night) -> None:
    night.tick("a")
    night.tick("b")
    assert night.states("a", "b") == [State.CANCELLED, State.SCHEDULED]
    claimed = night.scene.claim()
    night.scene.start(claimed)
    heard = night.scene.store.listen(keys.control(D))
    night.tick("c", "d")

    assert heard.wait(5) == (keys.control(D), "runs")
    heard.close()
    assert night.states("b", "c", "d") == [State.CANCELLING, State.SKIPPED, State.SCHEDULED]
    assert night.reason("b") == "cancelled by the next run of schedule nightly"
    assert night.look_again() == 0, "b is not gone"
    night.scene.finish(claimed, replace(DONE, state=State.CANCELLED))
    assert night.look_again() == 1
    assert night.scene.claim().run_id == run_id("d")


@with_overlap("queue")
def test_a_paused_schedule_skips_its_own_runs_only(night: Night) -> None:
    night.tick("a", "b")
    night.scene.submit("asked")

    reply = night.scene.store.follow(schedule_edits.pause_schedule(D, "nightly"))

    assert (reply.word, reply.skipped) == ("ok", 2)
    assert night.states("a", "b", "asked") == [State.SKIPPED, State.SKIPPED, State.SCHEDULED]
    assert night.reason("a") == "schedule paused"
    assert night.scene.store.call(runs.read_run(run_id("a"))) is not None
