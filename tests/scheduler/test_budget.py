"""What due schedules may cost, counted and not timed: scripts and commands of each."""

from __future__ import annotations

from orchestrator.model.clock import from_ms
from orchestrator.model.ids import DeploymentId
from orchestrator.schedules import Cron
from orchestrator.store import keys
from orchestrator.store.attention import NOW, lower_attention
from orchestrator.store.requests import as_is, command
from scheduler.steps import IN_ONE_STEP
from tests.scheduler.scheduling import Place
from tests.scheduler.test_dispatching import dispatch
from tests.support.costs import cost, forget_costs

COUNT = 3 * IN_ONE_STEP
HOUR = 3_600_000


def half_an_hour_ago(place: Place) -> str:
    """Once a day, then: no instant comes while a test counts."""
    at = from_ms(place.server_ms() - HOUR // 2)
    return f"{at.minute} {at.hour} * * *"


def fall_due(place: Place, members: list[DeploymentId], slugs: list[str]) -> None:
    """All of them, an hour ago."""
    cursor = place.server_ms() - HOUR
    fields = [text for slug in slugs for text in (f"{slug}:cursor", cursor)]
    gone = [f"{slug}:next" for slug in slugs]
    for d in members:
        place.store.call_all(
            [
                command(as_is, "HSET", keys.schedules(d), *fields),
                command(as_is, "HDEL", keys.schedules(d), *gone),
                lower_attention(d, NOW),
            ]
        )


def test_schedules_of_one_instant_in_one_deployment(place: Place) -> None:
    slugs, line = [f"s{n}" for n in range(COUNT)], half_an_hour_ago(place)
    d = place.deploy(*(Cron(line, slug=slug) for slug in slugs))
    dispatch(place)
    fall_due(place, [d], slugs)

    forget_costs(place.store)
    dispatch(place)
    spent = cost(place.store)

    assert len(place.runs()) == COUNT
    # A hundred runs each; one look before and one after.
    assert spent.calls["evalsha"] == COUNT / IN_ONE_STEP + 2, spent
    # Ticket, record, event; all else is done once for a hundred.
    assert spent.commands / COUNT <= 3.3, spent


def test_schedules_of_one_instant_in_a_deployment_each(place: Place) -> None:
    members = place.deploy_many(COUNT, Cron(half_an_hour_ago(place)))
    dispatch(place)
    fall_due(place, members, ["cron-1"])

    forget_costs(place.store)
    dispatch(place)
    spent = cost(place.store)

    # Look, tick, look.
    assert spent.calls["evalsha"] == 3 * COUNT, spent
    assert spent.commands / COUNT <= 28, spent
