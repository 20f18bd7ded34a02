"""Runs in pages: nothing twice, nothing left out, whoever shares an instant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import deployment_id, new_run_id
from orchestrator.model.states import State
from orchestrator.store import listing
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.listing import Wanted, list_runs, page_of_runs
from orchestrator.store.runs import NewRun, cancel_run, submit_run
from tests.store.scene import DEFINITION, Scene

NAMES = ["hello/a", "hello/b", "hello/c"]
EACH = 17


@pytest.fixture
def many(scene: Scene) -> list[str]:
    """Runs of three deployments, made in one go: many of one instant. Newest first."""
    for name in NAMES:
        flow, _, own = name.partition("/")
        definition = replace(DEFINITION, flow=flow, name=own)
        scene.store.call_all([put_deployment(definition), announce_deployment(definition.id)])
    news = [
        NewRun(
            deployment_id=deployment_id(name),
            run_id=new_run_id(deployment_id(name), 1),
            parameters="{}",
            tags=("odd",) if number % 2 else (),
            name=f"Number {number} of {name}",
        )
        for number in range(EACH)
        for name in NAMES
    ]
    scene.store.call_all([submit_run(new) for new in news])
    runs = scene.store.follow(list_runs(1000))
    assert len(runs) == len(news)
    return [run.id for run in sorted(runs, key=lambda r: (r.created_at, r.id), reverse=True)]


def walked(scene: Scene, limit: int, wanted: Wanted | None = None) -> list[str]:
    found: list[str] = []
    before: str | None = ""
    while before is not None:
        page = scene.store.follow(page_of_runs(limit, wanted, before))
        assert len(page.items) <= limit
        found += [run.id for run in page.items]
        before = page.next
    return found


@pytest.mark.parametrize("limit", [1, 2, 7, EACH, 3 * EACH - 1, 3 * EACH, 1000])
def test_pages_give_every_run_once_and_in_order(scene: Scene, many: list[str], limit: int) -> None:
    assert walked(scene, limit) == many


@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_pages_of_some_among_many(
    scene: Scene, many: list[str], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [run.id for run in scene.store.follow(list_runs(1000)) if run.tags]
    monkeypatch.setattr(listing, "MOST_EXAMINED", 10)
    monkeypatch.setattr(listing, "_LOOK", 3)

    assert walked(scene, limit, Wanted(tags=["odd"])) == odd
    assert walked(scene, limit, Wanted(tags=["none"])) == []


def test_a_page_that_looked_at_many_goes_on_in_the_next(
    scene: Scene, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_EXAMINED", 10)
    monkeypatch.setattr(listing, "_LOOK", 3)

    page = scene.store.follow(page_of_runs(5, Wanted(text="NUMBER 0 of hello/a")))

    assert page.items == []
    assert page.next is not None
    (found,) = scene.store.follow(list_runs(5, Wanted(text="NUMBER 0 of hello/a")))
    assert found.name == "Number 0 of hello/a"


def test_a_page_of_an_instant(scene: Scene, many: list[str]) -> None:
    runs = {str(run.id): run.created_at for run in scene.store.follow(list_runs(1000))}
    middle = runs[many[len(many) // 2]]

    since = walked(scene, 4, Wanted(since_ms=middle))
    until = walked(scene, 4, Wanted(until_ms=middle))

    assert since + until == many
    assert all(runs[each] < middle for each in until)


def test_late_runs_are_found_by_what_is_shown(scene: Scene, many: list[str]) -> None:
    class Later:
        def now_ms(self) -> int:
            return 9_999_999_999_999

        def elapsed(self) -> float:
            return 0.0

    scene.store.call(cancel_run(scene.store.follow(list_runs(1))[0].id, "somebody"))

    def states(*wanted: str) -> set[Any]:
        plan = page_of_runs(100, Wanted(states=wanted), clock=Later())
        return {run.state for run in scene.store.follow(plan).items}

    assert states("Late") == {State.SCHEDULED}
    assert states("Late", "Cancelled") == {State.SCHEDULED, State.CANCELLED}


@pytest.mark.parametrize("before", ["x", "1", "-1.a", "1e3.a", "9" * 16 + ".a"])
def test_no_place(scene: Scene, before: str) -> None:
    with pytest.raises(InvalidOption, match="no place"):
        scene.store.follow(page_of_runs(5, None, before))


def test_no_runs_at_all(scene: Scene) -> None:
    assert scene.store.follow(page_of_runs(5, Wanted(deployment="a/b"))).items == []
