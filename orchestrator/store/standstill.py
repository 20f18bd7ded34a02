"""What is needed to tell whether runs hold each other up; see ``model.standstill``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.model.deployment import RunnerRecord
from orchestrator.model.ids import DeploymentId, RunId, deployment_id, deployment_of
from orchestrator.model.standstill import Hanging, Places, Pool, stuck_runs
from orchestrator.model.states import WAITING, State
from orchestrator.store import keys
from orchestrator.store.requests import Plan, Request, Word, as_word, command, for_run
from orchestrator.store.runners import read_runner
from orchestrator.store.texts import maybe_int

MOST_RUNS = 2_000
"""Of more runs than these it is not said that they hold each other up: looking costs too much."""

MOST_NOTED = 50
"""Of the runs that a run waits for, so many are written down."""

HELD = frozenset({State.RUNNING, State.PAUSED})
"""A run that waits in one of these states keeps its slot until what it waits for is over."""


def note_waiting(run_id: RunId, token: str, awaited: Sequence[RunId]) -> Request[Word]:
    """Write down what a run waits for: ``ok``, ``lease_lost`` or ``gone``."""
    return for_run(
        run_id, "note_waiting", as_word, token=token, awaited=" ".join(awaited[:MOST_NOTED])
    )


def waited_for(run_id: RunId) -> Request[tuple[RunId, ...]]:
    """What a run is known to wait for."""
    return command(_ids, "HGET", keys.run(run_id), "waiting_for")


def find_stuck(run_id: RunId) -> Plan[frozenset[RunId]]:
    """The runs that never go on by themselves, as far as they concern this one; empty when it does
    go on, or when too many would have to be looked at."""
    view = _View()
    todo: set[RunId] = {run_id}
    while todo:
        view.seen |= todo
        if len(view.seen) > MOST_RUNS:
            return frozenset()
        slots = yield from _look_at_runs(view, sorted(todo))
        yield from _look_at_slots(view, slots)
        todo = view.concerned() - view.seen
    stuck = stuck_runs(view.hanging, view.places)
    return stuck if run_id in stuck else frozenset()


@dataclass
class _View:
    """What was found so far."""

    seen: set[RunId] = field(default_factory=set)
    hanging: dict[RunId, Hanging] = field(default_factory=dict)
    places: dict[DeploymentId, Places] = field(default_factory=dict)

    def concerned(self) -> set[RunId]:
        """All that decides whether one of them goes on."""
        runs = {each for run in self.hanging.values() for each in run.waits_for}
        for where in self.places.values():
            for pool in (*where.runners, *([where.limit] if where.limit else [])):
                runs |= pool.runs
        return runs


def _look_at_runs(view: _View, run_ids: Sequence[RunId]) -> Plan[set[DeploymentId]]:
    """Which of them hang; the deployments for whose slots some wait."""
    names = ("state", "ticket", "waiting_for")
    records = yield [command(list, "HMGET", keys.run(each), *names) for each in run_ids]
    wanted: set[DeploymentId] = set()
    for run_id, (state, ticket, waiting_for) in zip(run_ids, records, strict=True):
        d = deployment_of(run_id)
        if state and State(state) in WAITING and ticket:
            view.hanging[run_id] = Hanging(d)
            wanted.add(d)
        elif state in HELD and waiting_for:
            view.hanging[run_id] = Hanging(d, _ids(waiting_for))
    return wanted


def _look_at_slots(view: _View, wanted: set[DeploymentId]) -> Plan[None]:
    for d in sorted(wanted - set(view.places)):
        view.places[d] = yield from _places_of(d)


def _places_of(d: DeploymentId) -> Plan[Places]:
    words = ("concurrency_limit", "held")
    (limit, held), fields, leased = yield [
        command(list, "HMGET", keys.deployment(d), *words),
        command(list, "HKEYS", keys.runners(d)),
        _leased(d),
    ]
    names = sorted(each for each in fields if ":" not in each)
    records: list[RunnerRecord | None] = yield [read_runner(name) for name in names]
    ready = [each for each in records if each is not None and not each.draining]
    if held == "1":
        return Places(())
    runs = yield from _runs_of(ready)
    most = maybe_int(limit)
    return Places(
        tuple(Pool(record.limit, runs[record.id]) for record in ready),
        None if most is None else Pool(most, frozenset(leased)),
    )


def _runs_of(runners: Sequence[RunnerRecord]) -> Plan[dict[str, frozenset[RunId]]]:
    """What has a slot of each of these runners, of whichever deployment."""
    names = sorted({name for runner in runners for name in runner.deployments})
    lists: list[list[RunId]] = yield [_leased(deployment_id(name)) for name in names]
    every = [each for leased in lists for each in leased]
    owners = yield [command(str, "HGET", keys.run(each), "runner") for each in every]
    owned = list(zip(every, owners, strict=True))
    return {
        runner.id: frozenset(each for each, owner in owned if owner == runner.id)
        for runner in runners
    }


def _leased(d: DeploymentId) -> Request[list[RunId]]:
    return command(lambda ids: [RunId(each) for each in ids], "ZRANGE", keys.leases(d), 0, -1)


def _ids(text: Any) -> tuple[RunId, ...]:
    return tuple(RunId(each) for each in (text or "").split())
