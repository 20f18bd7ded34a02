"""Occurrences become runs, once each: I2, I10."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.ids import RunId, scheduled_run_id
from orchestrator.model.states import State
from orchestrator.store import deployments, keys, runs, schedules
from orchestrator.store.requests import Request
from orchestrator.store.schedules import Occurrence, Tick
from tests.store.scene import NIGHTLY, D, Scene
from tests.support.keyspace import Client, dump


@pytest.fixture
def planned(scene: Scene, client: Client) -> Scene:
    scene.deploy(schedules=(NIGHTLY,), tags=("night",), parameters={"who": "all"})
    # A minute ago: what is due a second later is due.
    (rule,) = scene.store.call(schedules.agenda(D)).schedules
    client.hset(keys.schedules(D), "nightly:cursor", rule.cursor_ms - 60_000)
    return scene


def tick(scene: Scene, **changed: int) -> tuple[RunId, Request[list[str]]]:
    """One occurrence, a second after the cursor; ``changed`` is what the planner saw wrongly."""
    (rule,) = scene.store.call(schedules.agenda(D)).schedules
    due = rule.cursor_ms + 1000
    made = Occurrence(
        run_id=scheduled_run_id(D, "nightly", due), due_ms=due, parameters='{"a":1}', late=False
    )
    seen: dict[str, Any] = {"generation": rule.generation, "cursor_seen": rule.cursor_ms}
    seen |= {"cursor": due} | changed
    one = Tick(slug="nightly", next_ms=due + 1000, occurrences=(made,), **seen)
    return made.run_id, schedules.tick_schedules(D, [one])


def scheduled_at(scene: Scene, run_id: RunId) -> int:
    run = scene.store.call(runs.read_run(run_id))
    assert run is not None
    return run.scheduled_at


def test_an_occurrence_becomes_a_run_and_the_cursor_moves(planned: Scene) -> None:
    heard = planned.store.listen(keys.control(D))
    run_id, request = tick(planned)
    assert planned.store.call(request) == ["ok"]

    assert heard.wait(5) == (keys.control(D), "queue")
    heard.close()
    run = planned.store.call(runs.read_run(run_id))
    assert run is not None
    assert (run.state, run.parameters, run.tags) == (State.SCHEDULED, {"a": 1}, ("night",))
    assert run.created_by == "schedule:nightly"
    seen = planned.store.call(schedules.agenda(D))
    (rule,) = seen.schedules
    assert (rule.cursor_ms, rule.next_ms) == (run.scheduled_at, run.scheduled_at + 1000)
    assert (seen.gone, seen.paused, seen.delayed_due) == (False, False, None)
    assert seen.parameters == '{"who": "all"}'
    assert planned.claim().run_id == run_id


def test_two_schedulers_make_one_run(planned: Scene, client: Client) -> None:
    _, request = tick(planned)
    planned.store.call(request)
    before = dump(client)

    assert planned.store.call(request) == ["stale"]
    assert dump(client) == before


@pytest.mark.parametrize("wrong", [{"generation": 7}, {"cursor_seen": 7}, {"cursor": 7}])
def test_a_plan_of_another_rule_or_cursor_is_stale(
    planned: Scene, client: Client, wrong: dict[str, int]
) -> None:
    _, request = tick(planned, **wrong)
    before = dump(client)

    assert planned.store.call(request) == ["stale"]
    assert dump(client) == before


def test_an_edit_refuses_what_was_planned_before(planned: Scene) -> None:
    _, request = tick(planned)
    planned.deploy(schedules=(replace(NIGHTLY, expression="0 4 * * *"),))
    assert planned.store.call(request) == ["stale"]


def test_an_inactive_schedule_makes_nothing(planned: Scene) -> None:
    planned.deploy(schedules=(replace(NIGHTLY, active=False),))
    assert planned.store.call(tick(planned)[1]) == ["stale"]


def test_what_is_due_later_is_delayed_until_then(planned: Scene, client: Client) -> None:
    """Jitter: the run is made at its instant, and begins a little after it."""
    planned.deploy(schedules=(replace(NIGHTLY, expression="0 9 * * *"),))
    run_id, request = tick(planned)
    assert planned.store.call(request) == ["ok"]

    assert client.zscore(keys.delayed(D), run_id) == scheduled_at(planned, run_id)
    assert planned.claims().runs == ()


def test_no_occurrence_inside_a_pause(planned: Scene, client: Client) -> None:
    _, request = tick(planned)
    planned.store.follow(deployments.pause_deployment(D, "user"))
    before = dump(client)

    assert planned.store.call(request) == ["paused"]
    assert dump(client) == before


def test_nothing_is_planned_for_what_is_gone(planned: Scene, client: Client) -> None:
    _, request = tick(planned)
    client.flushall()

    assert planned.store.call(request) == ["gone"]
    assert planned.store.call(schedules.agenda(D)).gone
    assert dump(client) == {}


def test_a_run_that_exists_is_not_made_again(planned: Scene, client: Client) -> None:
    run_id, request = tick(planned)
    planned.submit("x", run_id=run_id)

    assert planned.store.call(request) == ["ok"]
    assert client.zcard(keys.runs(D)) == 1
    run = planned.store.call(runs.read_run(run_id))
    assert run is not None
    assert run.created_by == ""


def test_some_schedules_in_one_step(planned: Scene, client: Client) -> None:
    """Each by itself: what one must not do the others do, and what is there already stays."""
    slugs = ("idle", "nightly", "other")
    planned.deploy(schedules=tuple(replace(NIGHTLY, slug=slug) for slug in slugs))
    rules = {r.definition.slug: r for r in planned.store.call(schedules.agenda(D)).schedules}
    ids = {slug: [scheduled_run_id(D, slug, n) for n in range(2)] for slug in slugs}
    ticks = [
        Tick(
            slug=slug,
            generation=rule.generation + (slug == "idle"),
            cursor_seen=rule.cursor_ms,
            cursor=rule.cursor_ms + 1,
            next_ms=None,
            occurrences=tuple(
                Occurrence(run_id=each, due_ms=1, parameters="{}", late=False) for each in ids[slug]
            ),
        )
        for slug, rule in rules.items()
    ]
    planned.submit("x", run_id=ids["other"][0])

    words = planned.store.call(schedules.tick_schedules(D, ticks))

    assert words == ["stale", "ok", "ok"]
    assert {*client.zrange(keys.runs(D), 0, -1)} == {*ids["nightly"], *ids["other"]}
    after = {r.definition.slug: r for r in planned.store.call(schedules.agenda(D)).schedules}
    moved = {slug: after[slug].cursor_ms - rules[slug].cursor_ms for slug in slugs}
    assert moved == {"idle": 0, "nightly": 1, "other": 1}
