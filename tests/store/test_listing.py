"""Runs in pages: nothing twice, nothing left out, whoever shares an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import deployment_id, new_run_id
from orchestrator.model.states import State
from orchestrator.store import keys, listing
from orchestrator.store.deployments import announce_deployment, put_deployment
from orchestrator.store.listing import list_runs, page_of_runs
from orchestrator.store.requests import Plan
from orchestrator.store.runs import NewRun, cancel_run, submit_run
from orchestrator.store.wanted import Wanted
from tests.store.scene import DEFINITION, Scene
from tests.support.keyspace import Client

NAMES = ["hello/a", "hello/b", "hello/c"]
EACH = 17


@dataclass(frozen=True)
class At:
    """A clock that stands."""

    ms: int

    def now_ms(self) -> int:
        return self.ms

    def elapsed(self) -> float:
        return 0.0


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
    monkeypatch.setattr(listing, "LOOK", 3)

    assert walked(scene, limit, Wanted(tags=["odd"])) == odd
    assert walked(scene, limit, Wanted(tags=["none"])) == []


def test_a_page_that_looked_at_many_goes_on_in_the_next(
    scene: Scene, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_EXAMINED", 10)
    monkeypatch.setattr(listing, "LOOK", 3)

    page = scene.store.follow(page_of_runs(5, Wanted(text="NUMBER 0 of hello/a")))

    assert page.items == []
    assert page.next is not None
    assert 10 <= page.looked_at < len(many)
    assert page.back_to_ms is not None
    runs = {str(run.id): run.created_at for run in scene.store.follow(list_runs(1000))}
    assert page.next.split(".")[0] == str(page.back_to_ms)
    assert min(runs.values()) <= page.back_to_ms <= max(runs.values())
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
    scene.store.call(cancel_run(scene.store.follow(list_runs(1))[0].id, "somebody"))

    def states(*wanted: str) -> set[Any]:
        plan = page_of_runs(100, Wanted(states=wanted), clock=At(9_999_999_999_999))
        return {run.state for run in scene.store.follow(plan).items}

    assert states("Late") == {State.SCHEDULED}
    assert states("Late", "Cancelled") == {State.SCHEDULED, State.CANCELLED}


@pytest.mark.parametrize("before", ["x", "1", "-1.a", "1e3.a", "9" * 16 + ".a"])
def test_no_place(scene: Scene, before: str) -> None:
    with pytest.raises(InvalidOption, match="no place"):
        scene.store.follow(page_of_runs(5, None, before))


def test_no_runs_at_all(scene: Scene) -> None:
    assert scene.store.follow(page_of_runs(5, Wanted(deployment="a/b"))).items == []


def test_one_busy_deployment_does_not_have_all_others_asked_again(
    scene: Scene, client: Client
) -> None:
    for name in NAMES:
        flow, _, own = name.partition("/")
        definition = replace(DEFINITION, flow=flow, name=own)
        scene.store.call_all([put_deployment(definition), announce_deployment(definition.id)])
    old, _, busy = (deployment_id(name) for name in NAMES)
    client.zadd(keys.runs(old), {new_run_id(old, 1): 1_000})
    client.zadd(keys.runs(busy), {new_run_id(busy, n): 9_000 + n for n in range(4_000)})
    plan = page_of_runs(5, Wanted(text="nothing"), clock=At(10_000))

    asked = [each for each in asked_of(scene, plan) if each]
    client.delete(keys.runs(old), keys.runs(busy))

    assert len(asked[0]) == len(NAMES) + 1, "the one of the scene, too"
    assert len(asked) > 1
    assert all(each == [keys.runs(busy)] for each in asked[1:])


def asked_of(scene: Scene, plan: Plan[Any]) -> list[list[str]]:
    """Which deployments each step of the plan looked through."""
    asked: list[list[str]] = []
    replies: list[Any] | None = None
    while True:
        try:
            requests = next(plan) if replies is None else plan.send(replies)
        except StopIteration:
            return asked
        scans = [each for each in requests if each.script and each.script.name == "scan_runs"]
        asked.append([str(each.words[0]) for each in scans])
        replies = scene.store.call_all(requests)


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (Wanted(text="ÜBER"), 1),
        (Wanted(text="UBER"), 1),
        (Wanted(tags=["a b"]), 1),
        (Wanted(tags=["a b", "ü"]), 1),
        (Wanted(tags=["a"]), 0),
        (Wanted(states=["Scheduled"]), 2),
        (Wanted(states=["led"]), 0),
        (Wanted(states=[" "]), 0),
    ],
)
def test_the_server_leaves_out_nothing_that_is_wanted(
    scene: Scene, wanted: Wanted, number: int
) -> None:
    scene.deploy()
    scene.submit("first", name="Über allem", tags=("a b", "ü"))
    scene.submit("second", name="uber")

    assert len(scene.store.follow(page_of_runs(9, wanted)).items) == number
