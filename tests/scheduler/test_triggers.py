"""Triggers through real schedulers: outboxes, feed, firing."""

from __future__ import annotations

from typing import Any

from orchestrator.model.event import Event, emitted
from orchestrator.model.ids import RunId, RunnerId, idempotent_run_id, new_nonce
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store import events, leases, runners, runs
from orchestrator.triggers import EventTrigger, with_names
from tests.scheduler.scheduling import Place
from tests.support import eventually


def emit(place: Place, name: str, resource: str = "it", **given: Any) -> Event:
    return place.store.call(events.emit_event(emitted(name, resource, **given)))


def deploy(place: Place, name: str, *triggers: EventTrigger, **options: Any) -> None:
    place.deploy(name=name, triggers=with_names(triggers), **options)


def made(place: Place, name: str, count: int = 1) -> list[Run]:
    """Its runs, when there are so many."""
    return eventually(
        lambda: found if len(found := place.runs(name)) >= count else None,
        within=30,
        why=f"{name} has {count} runs",
    )


def complete(place: Place, name: str, key: str, result: str = "1") -> RunId:
    """A run that was asked for and has completed."""
    d = place.deploy(name=name)
    runner = RunnerId("runner")
    run_id = idempotent_run_id(d, key)
    place.store.call(runners.register_runner(d, runner, "{}"))
    place.store.call(runs.submit_run(runs.NewRun(deployment_id=d, run_id=run_id, parameters="{}")))
    (claimed,) = place.store.call(
        leases.claim_runs(
            d, runner=runner, host="h", version="1", nonce=new_nonce(), count=1, lease_ms=30_000
        )
    ).runs
    place.store.call(leases.start_run(run_id, claimed.token, 1))
    outcome = leases.Outcome(state=State.COMPLETED, result=result)
    place.store.call(leases.finish_run(run_id, claimed.token, outcome))
    return run_id


def test_a_run_follows_another_ones_completion(place: Place) -> None:
    place.start()
    deploy(
        place,
        "report/daily",
        EventTrigger.after_completion(
            "etl/nightly", parameters={"rows": "{{ run.result }}", "of": "run {{ run.id }}"}
        ),
    )

    run_id = complete(place, "etl/nightly", "one", result='{"rows": [1, 2.5, "3"]}')

    (run,) = made(place, "report/daily")
    assert run.parameters == {"rows": {"rows": [1, 2.5, "3"]}, "of": f"run {run_id}"}
    assert (run.created_by, run.depth) == ("trigger:trigger-1", 1)
    cause = place.store.follow(events.find_event(str(run.event)))
    assert cause is not None
    assert (cause.event, cause.resource["id"]) == ("run.Completed", run_id)
    assert cause.resource["deployment"] == "etl/nightly"
