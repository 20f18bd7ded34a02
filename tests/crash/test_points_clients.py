"""A client, or an API, breaks off between any two of its commands, or loses any one answer (I1, I9,
I12, I15, I22).

Whatever a person was doing can be asked for again, and all is as if nothing had happened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from orchestrator import Client, Interval
from orchestrator.declaring.slugs import with_slugs
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.errors import (
    Conflict,
    RunIsFinal,
    RunNotFound,
    ScheduleNotFound,
    ServerUnavailable,
)
from orchestrator.model.ids import RunnerId, idempotent_run_id
from orchestrator.model.states import State
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.keys import ATTENTION
from orchestrator.store.leases import look
from orchestrator.store.runners import register_runner
from tests.api.serving import serving as serving_api
from tests.crash.gaps import Gap, Harm, every_gap
from tests.scheduler.scheduling import serving
from tests.support import Server, eventually
from tests.support.invariants import assert_invariants
from tests.support.keyspace import open_client

Through = Literal["server", "API"]
"""What a client speaks to."""

NAME = "flow/test"
SERVED = DeploymentDefinition(
    flow="flow", name="test", entrypoint="f:f", schedules=with_slugs([Interval(3600)])
)
D = SERVED.id
RUNNER = RunnerId("runner")
NOW, LATER = idempotent_run_id(D, "now"), idempotent_run_id(D, "later")
DONE_BEFORE = (RunIsFinal, RunNotFound, ScheduleNotFound, Conflict)
"""What the server says to somebody who asks again for what was done."""


def everything(client: Client, store: Store) -> Iterator[Callable[[], Any]]:
    """What people and serving scripts do, step by step; each may be asked for again."""
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    yield lambda: store.call_all([*serving(SERVED), register_runner(D, RUNNER, "{}")])
    yield lambda: client.create_run(NAME, idempotency_key="now")
    yield lambda: client.create_run(NAME, idempotency_key="later", scheduled_at=in_an_hour)
    yield lambda: client.hold_deployment(NAME)
    yield lambda: client.release_deployment(NAME)
    yield lambda: client.cancel_run(LATER)
    yield lambda: client.cancel_run(NOW)
    yield lambda: client.retry_run(NOW)
    yield lambda: client.delete_run(LATER)
    yield lambda: client.pause_deployment(NAME)
    yield lambda: client.resume_deployment(NAME)
    yield lambda: client.create_schedule(NAME, Interval(60, slug="mine"))
    yield lambda: client.pause_schedule(NAME, "mine")
    yield lambda: client.resume_schedule(NAME, "mine")
    yield lambda: client.delete_schedule(NAME, "mine")


def insisting(ask: Callable[[], Any], server: Server) -> None:
    """Ask until there is an answer. What broke off has left nothing that needs somebody's help."""

    def once() -> bool:
        try:
            ask()
        except ServerUnavailable:
            assert_whole(server)
            return False
        except DONE_BEFORE:
            return True
        return True

    eventually(once)


def break_there(gap: Gap) -> None:
    """Whoever comes there is cut off; what is held back never arrives."""

    def wait() -> None:
        if gap.place.reached.wait(30):
            gap.proxy.cut()
            gap.proxy.mend()

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def asking(gap: Gap, through: Through) -> Iterator[Client]:
    """A client whose own commands, or whose API's, come to the gap."""
    if through == "server":
        with Client(gap.url) as client:
            yield client
    else:
        with serving_api(gap.url) as api, Client(api.url) as client:
            yield client


def go_through(gap: Gap, server: Server, through: Through) -> None:
    store = open_store(gap.url)
    with asking(gap, through) as client:
        for step in everything(client, store):
            insisting(step, server)
    store.close()


def assert_whole(server: Server) -> None:
    store = open_store(server.url)
    with open_client(server.url) as client:
        assert_invariants(client)
        seen = store.call(look(D, None))
        assert not seen.odd, "I22: nothing is to be repaired"
        if seen.due is not None:
            assert client.zscore(ATTENTION, D) <= seen.due, "the scheduler looks in time"
    store.close()


def assert_all_was_done(server: Server) -> None:
    with Client(server.url) as client:
        states = {run.id: run.state for run in client.runs(deployment=NAME)}
        deployment = client.deployment(NAME)
        assert states.pop(NOW) is State.CANCELLED
        # A retry has no key: one that is asked for again after a lost answer is another run.
        assert set(states.values()) == {State.SCHEDULED}
        assert len(states) <= 2
        assert (deployment.held, deployment.paused) == (False, False)
        assert len(deployment.schedules) == 1
    assert_whole(server)


@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
@pytest.mark.parametrize("through", ["server", "API"])
def test_a_client_may_break_off(server: Server, harm: Harm, through: Through) -> None:
    """A sample of the gaps."""
    assert breaks_off(server, harm, through, step=11) >= 4


@pytest.mark.long
@pytest.mark.parametrize("harm", ["killed before", "answer lost"])
@pytest.mark.parametrize("through", ["server", "API"])
def test_a_client_may_break_off_anywhere(server: Server, harm: Harm, through: Through) -> None:
    assert breaks_off(server, harm, through, step=1) > 40, "a person sends more than that"


def breaks_off(server: Server, harm: Harm, through: Through, step: int) -> int:
    """How many gaps there were."""
    met = 0
    for gap in every_gap(server, harm, step=step):
        with open_client(server.url) as client:
            client.flushall()
        break_there(gap)
        go_through(gap, server, through)
        assert_all_was_done(server)
        met += gap.is_reached
    return met
