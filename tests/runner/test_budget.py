"""What a run may cost, counted and not timed: commands, scripts, wake-ups, forks, imports.

A figure that has grown here is either paid for knowingly, and then changed with its reason in the
commit, or a regression.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator import Client
from orchestrator.execution.spares import AT_MOST
from orchestrator.model.deployment import ScheduleDefinition
from orchestrator.model.ids import RunnerId, deployment_id, new_nonce
from orchestrator.store import keys
from orchestrator.store.attention import NOW
from orchestrator.store.leases import Claims, claim_runs, look
from orchestrator.store.requests import Request
from orchestrator.store.runners import register_runner
from tests.runner.serving import NAME, Place, definition
from tests.support import eventually
from tests.support.costs import Cost, Traffic, cost, forget_costs, traffic

D = deployment_id(NAME)
TIMES = 20
HEAVY = {"asyncio", "croniter", "hiredis", "jsonschema_rs", "pydantic", "redis", "rich", "typer"}
HEAVY |= {"fastapi", "jinja2", "starlette", "uvicorn"}

COUNTS_FORKS = """
def forked():
    with open("forks", "a") as file:
        file.write(".")
os.register_at_fork(before=forked)

@flow
def work():
    return sorted(sys.modules)
"""


def cost_of_a_run(place: Place) -> Cost:
    """From the submit to the word about its end. The least of several: beats and looks, which go
    by the clock, fall into some of them."""
    return min((_cost_of_this_run(place) for _ in range(5)), key=lambda cost: cost.commands)


def _cost_of_this_run(place: Place) -> Cost:
    subscription = place.store.listen(keys.ended(D))
    try:
        forget_costs(place.store)
        run_id = place.submit()
        told = eventually(lambda: subscription.wait(1), why="the end")
        assert told == (keys.ended(D), run_id)
        return cost(place.store)
    finally:
        subscription.close()


def test_an_idle_run_costs_four_scripts_and_a_bounded_number_of_commands(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 1\n")
    place.start()
    place.ended(place.submit())  # the first one loads the scripts and makes the group
    spent = cost_of_a_run(place)
    # submit, claim, start, finish
    assert spent.calls["evalsha"] == 4, spent
    # Of them two for each of the four events: is the outbox empty, and into it.
    assert spent.commands <= 47, spent
    # One wakes the runner, one whoever waits for the end.
    assert spent.calls["publish"] == 2, spent


def test_an_idle_run_wakes_the_server_four_times(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 1\n")
    place.start()
    place.ended(place.submit())
    spent = min((_traffic_of_a_run(place) for _ in range(5)), key=lambda each: each.reads)
    # submit, claim, start, finish; and one for asking about it
    assert spent.reads <= 5, spent
    assert spent.came_in <= 3_000, spent


def _traffic_of_a_run(place: Place) -> Traffic:
    subscription = place.store.listen(keys.ended(D))
    try:
        before = traffic(place.store)
        place.submit()
        eventually(lambda: subscription.wait(1), why="the end")
        return traffic(place.store).since(before)
    finally:
        subscription.close()


@pytest.mark.parametrize("text", ["", "x" * 400_000], ids=["small", "large"])
def test_what_waits_makes_no_claim_and_no_list_dearer(place: Place, text: str) -> None:
    place.deploy(definition())
    place.store.call(register_runner(D, RunnerId("somebody"), "{}"))
    costs = []
    with Client(place.server.url) as client:
        for more in (60, 5 if text else 2_000):
            client.create_runs([(NAME, {"text": text})] * 4 + [(NAME, {})] * more)
            forget_costs(place.store)
            assert len(place.store.call(claim_two()).runs) == 2
            claim = cost(place.store)
            forget_costs(place.store)
            assert len(client.runs(20, NAME)) == 20
            costs.append((claim.commands, cost(place.store).commands))
    # The first claim makes the group.
    assert costs[1][0] <= costs[0][0], costs
    assert costs[1][1] == costs[0][1], costs


def claim_two() -> Request[Claims]:
    return claim_runs(
        D,
        runner=RunnerId("somebody"),
        host="",
        version="",
        nonce=new_nonce(),
        count=2,
        lease_ms=30_000,
    )


def test_a_look_at_an_idle_deployment_costs_a_bounded_number_of_commands(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 1\n")
    place.start().drain()
    forget_costs(place.store)
    rounds = 24
    for number in range(rounds):
        place.store.call(look(D, RunnerId("somebody"), thorough=number % 6 == 0))
    # Every 5 seconds: some one and a half a second.
    assert cost(place.store).commands / rounds <= 7, cost(place.store)


def test_a_schedule_is_looked_at_when_it_is_time_and_not_at_each_look(place: Place) -> None:
    """Whatever their number: 10,000 of them are read by one look in six."""
    rules = tuple(
        ScheduleDefinition(slug=f"s{n}", kind="interval", expression="3600", timezone="UTC")
        for n in range(3)
    )
    place.deploy(replace(definition(), schedules=rules))
    forget_costs(place.store)
    seen = [place.store.call(look(D, None, thorough=thorough)) for thorough in (True, False)]
    assert [each.due for each in seen] == [NOW, None]
    assert cost(place.store).calls["hgetall"] == 3, "of the runners twice, of the schedules once"


def test_asking_for_runs_costs_a_bounded_number_of_round_trips_and_bytes(place: Place) -> None:
    """As from a script: the first reads the deployment, the others need not."""
    place.deploy(definition())
    with Client(place.server.url) as client:
        client.create_run(NAME, {"n": 1})
        before = traffic(place.store)
        for _ in range(TIMES):
            client.create_run(NAME, {"n": 1})
        each = traffic(place.store).since(before)
        assert each.reads == TIMES + 1, "one round trip, and one for asking about it"
        assert each.came_in / TIMES <= 600, each
        assert each.went_out / TIMES <= 640, each


def test_many_runs_at_once_cost_less_each(place: Place) -> None:
    place.deploy(definition())
    with Client(place.server.url) as client:
        client.create_runs([(NAME, {"n": 1})])
        forget_costs(place.store)
        before = traffic(place.store)
        client.create_runs([(NAME, {"n": 1})] * 1000)
        each = traffic(place.store).since(before)
    spent = cost(place.store)
    assert spent.calls["evalsha"] == 10, spent
    # One wakes the runners for each hundred, and one the scheduler.
    assert spent.calls["publish"] <= 11, spent
    # Ticket, record, event; all else is asked and noted once for a hundred.
    assert spent.commands / 1000 <= 3.2, spent
    assert each.came_in / 1000 <= 140, each
    assert each.went_out / 1000 <= 20, each


def test_a_run_is_one_fork_and_imports_nothing_heavy(place: Place) -> None:
    place.flows(COUNTS_FORKS)
    place.start()
    runs = 5
    modules = [place.ended(place.submit()).result for _ in range(runs)]
    # One process more may have been forked ahead, and three when no run found it quiet before.
    assert runs <= len(place.note("forks")) <= runs + AT_MOST
    for name in modules[-1]:
        assert name.partition(".")[0] not in HEAVY
        assert not name.startswith(("orchestrator.store", "orchestrator.cli", "runner"))
