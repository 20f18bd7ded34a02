"""``Client`` about schedules, beside those of the code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator import Client, Cron, DeploymentNotFound, Interval, InvalidParameters, flow
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.errors import Conflict, InvalidSchedule, ScheduleNotFound
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import Put, announce_deployment, put_deployment
from tests.support import Server

NAME = "greet/first"


@flow
def greet(who: str, times: int = 1) -> str:
    return who * times


def served(cron: str = "0 9 * * *") -> DeploymentDefinition:
    return greet.to_deployment("first", schedules=[Cron(cron, slug="daily")]).definition


def serve(server: Server, definition: DeploymentDefinition) -> Put:
    store = open_store(server.url)
    put, _ = store.call_all([put_deployment(definition), announce_deployment(definition.id)])
    store.close()
    assert isinstance(put, Put)
    return put


@pytest.fixture(params=["direct", "api"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    """The same, whichever way it takes."""
    serve(server, served())
    url = server.url if request.param == "direct" else request.getfixturevalue("api").url
    with Client(url) as client:
        yield client


def rules(client: Client) -> dict[str, str]:
    return {r.definition.slug: r.definition.expression for r in client.schedules(NAME)}


def test_a_schedule_of_a_person_stands_beside_the_codes(client: Client, server: Server) -> None:
    made = client.create_schedule(NAME, Interval(60, parameters={"who": "all"}))

    assert (made.definition.slug, made.origin) == ("interval-1", "user")
    put = serve(server, served())
    assert (put.word, put.kept) == ("unchanged", ("schedule interval-1 stays: a person made it",))
    assert rules(client) == {"daily": "0 9 * * *", "interval-1": "60"}
    second = client.create_schedule(NAME, Interval(90, parameters={"who": "all"}))
    assert second.definition.slug == "interval-2"


def test_an_edited_one_survives_until_it_is_deleted(client: Client, server: Server) -> None:
    mine = Cron("0 7 * * *", parameters={"who": "me"})
    record = client.replace_schedule(NAME, "daily", mine)

    assert (record.edited, record.origin, record.generation) == (True, "code", 2)
    put = serve(server, served("0 8 * * *"))
    assert (put.changes, put.kept) == ((), ("schedule daily stays: a person edited it",))
    assert rules(client) == {"daily": "0 7 * * *"}
    assert client.delete_schedule(NAME, "daily") == record
    serve(server, served("0 8 * * *"))
    assert rules(client) == {"daily": "0 8 * * *"}


def test_a_pause_survives_what_code_changes(client: Client, server: Server) -> None:
    assert not client.pause_schedule(NAME, "daily").definition.active

    put = serve(server, served("0 8 * * *"))

    assert put.changes == ("schedule daily changed",)
    assert rules(client) == {"daily": "0 8 * * *"}
    assert not client.schedule(NAME, "daily").definition.active
    assert client.resume_schedule(NAME, "daily").definition.active
    serve(server, served("0 8 * * *"))
    assert client.schedule(NAME, "daily").definition.active


def test_the_same_again_changes_nothing(client: Client) -> None:
    mine = Cron("0 7 * * *", slug="mine", parameters={"who": "me"})

    assert client.create_schedule(NAME, mine) == client.create_schedule(NAME, mine)
    assert client.pause_schedule(NAME, "mine") == client.pause_schedule(NAME, "mine")
    assert client.resume_schedule(NAME, "mine") == client.resume_schedule(NAME, "mine")


def test_what_is_refused(client: Client) -> None:
    with pytest.raises(InvalidParameters, match="who: is missing") as refused:
        client.create_schedule(NAME, Interval(60))
    assert "schedule interval-1" in refused.value.__notes__[0]
    with pytest.raises(Conflict, match="another schedule daily"):
        client.create_schedule(NAME, Interval(60, slug="daily", parameters={"who": "me"}))
    with pytest.raises(Conflict, match="is called other"):
        client.replace_schedule(NAME, "daily", Interval(60, slug="other"))
    with pytest.raises(ScheduleNotFound, match="it has daily"):
        client.replace_schedule(NAME, "weekly", Interval(60, parameters={"who": "me"}))
    with pytest.raises(InvalidSchedule):
        client.create_schedule(NAME, Cron("0 0 31 2 *"))
    assert rules(client) == {"daily": "0 9 * * *"}


@pytest.mark.parametrize(
    "verb", ["schedule", "pause_schedule", "resume_schedule", "delete_schedule"]
)
def test_what_is_not_there(client: Client, verb: str) -> None:
    with pytest.raises(ScheduleNotFound, match="no schedule 'weekly' of greet/first: it has daily"):
        getattr(client, verb)(NAME, "weekly")
    with pytest.raises(DeploymentNotFound):
        getattr(client, verb)("greet/second", "daily")
