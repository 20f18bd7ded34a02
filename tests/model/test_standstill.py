"""Which runs hold each other up, without a server."""

from __future__ import annotations

from orchestrator.model.ids import DeploymentId, RunId
from orchestrator.model.standstill import Hanging, Places, Pool, stuck_runs

D, E = DeploymentId("d"), DeploymentId("e")


def ids(text: str) -> tuple[RunId, ...]:
    return tuple(map(RunId, text))


def pool(size: int, runs: str) -> Pool:
    return Pool(size, frozenset(ids(runs)))


def hanging(queued: str, **waits: str) -> dict[RunId, Hanging]:
    """Runs in the queue of D, and runs that wait for others."""
    found = {each: Hanging(D) for each in ids(queued)}
    return found | {RunId(name): Hanging(D, ids(awaited)) for name, awaited in waits.items()}


def stuck(known: dict[RunId, Hanging], *pools: Pool, limit: Pool | None = None) -> str:
    return "".join(sorted(stuck_runs(known, {D: Places(pools, limit)})))


def test_all_slots_are_held_by_waiting_parents() -> None:
    assert stuck(hanging("c", a="b", b="c"), pool(2, "ab")) == "abc"


def test_a_free_slot_anywhere_lets_all_go_on() -> None:
    assert stuck(hanging("c", a="b", b="c"), pool(2, "ab"), pool(1, "")) == ""
    assert stuck(hanging("c", a="b", b="c"), pool(3, "ab")) == ""


def test_a_slot_that_comes_free_lets_all_go_on() -> None:
    assert stuck(hanging("c", a="c"), pool(2, "ax")) == "", "x waits for nobody"


def test_a_limit_shuts_however_many_runners_there_are() -> None:
    assert stuck(hanging("c", a="c"), pool(9, "a"), limit=pool(1, "a")) == "ac"
    assert stuck(hanging("c", a="c"), pool(9, "a"), limit=pool(2, "a")) == ""


def test_who_waits_for_something_that_goes_on_is_not_stuck() -> None:
    assert stuck(hanging("c", a="cx"), pool(1, "a")) == ""


def test_a_run_that_waits_for_itself_is_stuck() -> None:
    assert stuck(hanging("", a="a"), pool(9, "a")) == "a"


def test_a_circle_over_two_deployments() -> None:
    known = hanging("c", a="b") | {RunId("b"): Hanging(E, ids("c"))}
    places = {D: Places((pool(1, "a"),)), E: Places((pool(1, "b"),))}
    assert stuck_runs(known, places) == {"a", "b", "c"}


def test_a_deployment_that_nobody_serves_is_another_matter() -> None:
    assert stuck(hanging("c", a="c")) == ""
    assert stuck_runs(hanging("c", a="c"), {}) == frozenset()
