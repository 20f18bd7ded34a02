"""Scheduler processes: several at once, killed, stopped, without a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest

from orchestrator.model.clock import from_ms, to_ms
from orchestrator.model.ids import new_run_id
from orchestrator.programs import command_of
from orchestrator.schedules import Cron, Interval
from orchestrator.store.deployments import pause_deployment, resume_deployment
from orchestrator.store.runs import NewRun, submit_later
from tests.scheduler.scheduling import Place
from tests.support import Server, eventually

EVERY_MS = 200


def assert_every_instant_once(due: list[int]) -> None:
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY_MS}


def test_two_schedulers_make_each_occurrence_once(place: Place) -> None:
    """I2: also while one dies and another begins, nothing is left out and nothing made twice."""
    d = place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
    first = place.start()
    leader = eventually(place.leader, within=30, why="somebody leads")
    second = place.start()
    eventually(lambda: len(place.due()) >= 5, within=30, why="runs are made")

    first.kill()
    died_at = place.now_ms(d)
    eventually(lambda: place.leader() not in (None, leader), why="the other one leads")
    eventually(lambda: place.due()[-1] > died_at + 1000, why="runs are made again")
    third = place.start()
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    left_at = place.now_ms(d)
    eventually(lambda: place.due()[-1] > left_at + 500, why="the third one took over")

    third.kill()
    third.wait()
    assert_every_instant_once(place.due())
    assert sorted(place.tickets(d) + place.late_tickets(d)) == sorted(r.id for r in place.runs())


def test_a_standby_takes_over_within_the_leads_time(place: Place) -> None:
    d = place.deploy(Interval(EVERY_MS / 1000, catchup="none"))
    first = place.start()
    leader = eventually(place.leader, within=30, why="the first one leads")
    place.start()
    eventually(lambda: len(place.due()) >= 3, within=30, why="runs are made")

    first.kill()
    died_at = place.now_ms(d)
    eventually(
        lambda: place.leader() not in (None, leader),
        why="the standby leads",
    )
    eventually(lambda: place.due()[-1] > died_at + 4500, why="runs are made again")

    due = place.due()
    assert_every_instant_once(due)


def test_without_a_leader_any_number_may_work(place: Place) -> None:
    """Correctness never depends on the lead: here everybody believes to have it."""
    d = place.deploy(Interval(0.1))
    everybody = "import sys, scheduler.leading as l; l.Leadership.leads = True; "
    begin = everybody + "import scheduler; sys.exit(scheduler.main([]))"
    for _ in range(3):
        place.schedulers.append(
            subprocess.Popen(
                [sys.executable, "-c", begin],
                env={**os.environ, "ORCHESTRATOR_REDIS_URL": place.server.url},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    eventually(lambda: len(place.due()) >= 30, within=30, why="runs are made")

    for process in place.schedulers:
        process.kill()
        process.wait()
    assert {later - earlier for earlier, later in pairwise(place.due())} == {100}
    assert sorted(place.tickets(d)) == sorted(run.id for run in place.runs())


def test_a_pause_moves_the_cursor(place: Place) -> None:
    d = place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
    place.start()
    eventually(lambda: len(place.due()) >= 3, within=30, why="runs are made")

    place.store.follow(pause_deployment(d, "user"))
    paused_at = place.now_ms(d)
    eventually(lambda: place.now_ms(d) > paused_at + 1000, why="some instants pass")
    assert all(due <= paused_at for due in place.due())
    place.store.follow(resume_deployment(d))
    resumed_at = place.now_ms(d)
    eventually(lambda: place.due()[-1] > resumed_at, why="runs are made again")

    assert not [due for due in place.due() if paused_at < due < resumed_at - EVERY_MS]


def test_a_delayed_run_is_queued_when_its_time_has_come(place: Place) -> None:
    """Also one that comes while the scheduler sleeps: it is woken."""
    d = place.deploy(Cron("0 0 1 1 *"))
    place.start()
    eventually(lambda: (place.attention(d) or 0) > place.now_ms(d), why="planned, asleep")

    due = place.now_ms(d) + 700
    run_id = new_run_id(d, due)
    run = NewRun(deployment_id=d, run_id=run_id, parameters="{}", scheduled_at=due)
    place.store.follow(submit_later(run))
    eventually(lambda: place.tickets(d) == [run_id], why="queued")

    assert due <= place.now_ms(d) < due + 2000


def test_restarts_lose_nothing(place: Place) -> None:
    """F53: a scheduler that lives shorter than the interval still makes each occurrence."""
    place.deploy(Interval(EVERY_MS / 1000, catchup="all"))
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        process = place.start()
        began_at = place.server_ms()
        eventually(lambda: has_run_since(place, began_at), within=30, why="runs are made")  # noqa: B023
        process.send_signal(number)
        process.wait(10)

    assert_every_instant_once(place.due())


def has_run_since(place: Place, at_ms: int) -> bool:
    return any(due > at_ms for due in place.due())


@pytest.fixture
def own_server() -> Iterator[Server]:
    server = Server(options=("--save", "", "--appendonly", "yes")).start()
    yield server
    server.stop()


def test_it_outlives_its_server(own_server: Server) -> None:
    place = Place(own_server)
    try:
        place.deploy(Interval(EVERY_MS / 1000))
        process = place.start()
        eventually(lambda: len(place.due()) >= 3, within=30, why="runs are made")

        own_server.kill()
        own_server.start()
        came_back = len(place.due())
        eventually(lambda: len(place.due()) > came_back + 3, why="runs are made again")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)

        assert process.returncode == 0
        assert errors.count("server unavailable") <= 2, "once for each loop"
        assert "Traceback" not in errors
    finally:
        place.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(place: Place, number: signal.Signals) -> None:
    process = place.start()
    eventually(place.leader, within=30, why="it leads")

    process.send_signal(number)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert place.leader() is None, "the lead was given up"
    assert "Traceback" not in errors


def test_a_server_that_must_not_be_used_ends_it_at_once() -> None:
    server = Server(options=("--maxmemory-policy", "allkeys-lru")).start()
    try:
        ended = scheduler(ORCHESTRATOR_REDIS_URL=server.url)
    finally:
        server.stop()

    assert ended.returncode == 3
    assert "noeviction" in ended.stderr


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("", 3, "no server is configured"),
        ("http://somewhere", 2, "must begin with redis://"),
        ("redis://user:secret@127.0.0.1:1", 3, "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_used_at_the_start_is_said(url: str, code: int, words: str) -> None:
    ended = scheduler(ORCHESTRATOR_REDIS_URL=url)

    assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr
    assert "secret" not in ended.stderr


def scheduler(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command_of("scheduler", *arguments),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_arguments_are_refused() -> None:
    assert scheduler("--fast").returncode == 2


@pytest.mark.long
def test_a_thousand_schedules_of_one_instant(place: Place) -> None:
    """How soon is the benchmark's matter; here, that none is early and none is left out."""
    at = from_ms(place.server_ms() + 15_000).replace(microsecond=0)
    cron = Cron(f"{at.minute} {at.hour} * * * {at.second}")
    deployments = place.deploy_many(1_000, cron)
    place.start()
    eventually(lambda: place.server_ms() > to_ms(at), within=60, every=0.2, why="it is time")

    def written() -> list[int] | None:
        found = [place.first_ticket_ms(d) for d in deployments]
        return None if None in found else [moment for moment in found if moment is not None]

    assert min(eventually(written, within=60, every=0.5, why="all are written")) >= to_ms(at)
