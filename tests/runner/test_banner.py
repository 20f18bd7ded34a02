"""What a person reads when serving begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis

from orchestrator.model.deployment import DeploymentDefinition, ScheduleDefinition
from orchestrator.store import keys
from tests.runner.serving import Place, definition

HOURLY = ScheduleDefinition(
    slug="hourly",
    kind="interval",
    expression="3600",
    timezone="UTC",
    details={"anchor": "2026-01-01T00:00:00Z"},
)
MISSING = "no scheduler is alive"


def said(place: Place, served: DeploymentDefinition, **spec: Any) -> str:
    place.flows("@flow\ndef work(): ...\n")
    return place.start(served, **spec).output


def scheduled() -> DeploymentDefinition:
    return replace(definition(), schedules=(HOURLY,))


def test_schedules_without_a_scheduler_are_warned_of(place: Place) -> None:
    output = said(place, scheduled())
    assert MISSING in output
    assert "orchestrator scheduler start" in output


def test_a_living_scheduler_is_seen(place: Place) -> None:
    with redis.Redis.from_url(place.server.url) as client:
        client.set(keys.LEADER, "somebody", px=60_000)
    assert MISSING not in said(place, scheduled())


@pytest.mark.parametrize("embedded", [True, False])
def test_where_none_is_needed_nothing_is_said(place: Place, embedded: bool) -> None:
    """The embedded server brings its own; without schedules nobody waits for one."""
    served = scheduled() if embedded else definition()
    assert MISSING not in said(place, served, embedded=embedded)


def test_a_limit_that_nobody_chose_is_explained(place: Place) -> None:
    output = said(place, definition(), limit=3, limit_is_default=True)
    assert "up to 3 runs at once (limit: the number of CPUs here)" in output
