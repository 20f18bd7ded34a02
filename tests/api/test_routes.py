"""What only HTTP has: idempotency keys, many at once, problems, webhooks, who acted."""

from __future__ import annotations

import inspect
import json
from typing import Any, get_args

import pytest

from orchestrator import Client, InvalidInput
from orchestrator.api.backend import BackendNeeded, CallerNeeded
from orchestrator.client import asking, deploying, noticing
from orchestrator.model.errors import ServerRefused, ServerUnavailable
from orchestrator.model.webhook import signature
from orchestrator.ui.viewing import ViewNeeded
from tests.api.serving import Served, serving
from tests.cli.seeds import HELLO, Seeds
from tests.support import Server
from tests.support.keyspace import open_client

V1 = "/api/v1"
SECRET, READER = "writers-secret-0123", "readers-secret-0123"
HOOKS = "shared-secret-of-hooks"


def ask_for(api: Served, key: str | None = None, **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(f"{V1}/runs", {"deployment": HELLO, **body}, headers=headers)


def test_the_same_key_gives_the_same_run(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    first, again = (ask_for(api, "k%C3%A4", parameters={"times": 2}) for _ in range(2))

    assert (first.status, first.document["idempotency_key"]) == (201, "kä")
    assert again.document["id"] == first.document["id"]
    refused = ask_for(api, "k%C3%A4", parameters={"times": 3})
    assert (refused.status, refused.code) == (409, "key_reused")
    assert refused.document["facts"]["run_id"] == first.document["id"]


def test_the_same_bulk_makes_no_more_runs(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    body = {"runs": [{"deployment": HELLO}, {"deployment": HELLO, "tags": ["x"]}]}
    headers = {"Idempotency-Key": "bulk"}
    first = api.post(f"{V1}/bulk/runs", body, headers=headers)
    again = api.post(f"{V1}/bulk/runs", body, headers=headers)

    assert first.status == 201
    assert first.document == again.document
    assert len(api.get(f"{V1}/runs").document["items"]) == 2


def test_many_are_answered_for_one_by_one(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    waiting = seeds.waiting()
    unknown = waiting[:13] + "0" * 21
    cancelled = api.post(f"{V1}/bulk/cancel", {"ids": [waiting, unknown, waiting]}).document

    assert [each["id"] for each in cancelled["items"]] == [waiting, unknown]
    assert cancelled["items"][0]["run"]["state"] == "Cancelled"
    assert cancelled["items"][1]["problem"]["code"] == "run_not_found"
    (again,) = api.post(f"{V1}/bulk/retry", {"ids": [waiting]}).document["items"]
    assert again["run"]["retry_of"] == waiting
    (refused,) = api.post(f"{V1}/bulk/delete", {"ids": [again["run"]["id"]]}).document["items"]
    assert refused["problem"]["code"] == "run_is_open"
    (refused,) = api.post(f"{V1}/bulk/retry", {"ids": [again["run"]["id"]]}).document["items"]
    assert refused["problem"]["code"] == "run_is_open"
    deleted = api.post(f"{V1}/bulk/delete", {"ids": [waiting, unknown]}).document["items"]
    assert [each["problem"] and each["problem"]["code"] for each in deleted] == [
        None,
        "run_not_found",
    ]
    assert api.get(f"{V1}/runs/{waiting}").status == 404


def test_runs_in_pages(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    every = [seeds.waiting() for _ in range(5)]
    first = api.get(f"{V1}/runs?limit=3&tag=seeded&state=Scheduled&deployment=hello/first").document
    second = api.get(f"{V1}/runs?limit=3&before={first['next']}").document

    found = [run["id"] for run in [*first["items"], *second["items"]]]
    assert sorted(found) == sorted(every)
    assert second["next"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/runs/nope", None, 404, "run_not_found"),
        ("GET", "/deployments/a/b", None, 404, "deployment_not_found"),
        ("GET", "/deployments/a/b/schedules/s", None, 404, "deployment_not_found"),
        ("POST", "/runs", {"deployment": HELLO, "parameters": {"x": 1}}, 422, "invalid_parameters"),
        ("POST", "/runs", {"deployment": HELLO, "nope": 1}, 422, "invalid_request"),
        ("POST", "/runs", {"deployment": HELLO, "tags": ["\ud800"]}, 422, "invalid_request"),
        ("POST", "/runs", {"deployment": HELLO, "scheduled_at": 5}, 422, "invalid_request"),
        ("POST", "/runs", b"{", 422, "invalid_request"),
        ("POST", "/schedules/preview", {"cron": "x"}, 422, "invalid_schedule"),
        ("POST", "/runners/x/drain", None, 404, "runner_not_found"),
        ("POST", "/events", {"event": "run.x", "resource": "1"}, 422, "invalid_option"),
        ("GET", "/runs?before=x", None, 422, "invalid_option"),
        ("GET", "/runs?limit=0", None, 422, "invalid_request"),
        ("PATCH", "/runs", None, 405, "method_not_allowed"),
        ("GET", "/nope", None, 404, "route_not_found"),
    ],
)
def test_refusals_are_problems(
    api: Served, seeds: Seeds, method: str, path: str, body: Any, status: int, code: str
) -> None:
    seeds.deployment()
    headers = {"Content-Type": "application/json"}
    answer = api.ask(method, f"{V1}{path}", body, headers=headers)

    assert (answer.status, answer.code) == (status, code)
    assert answer.document["detail"]
    assert answer.document["remedy"]
    assert answer.document["status"] == status


def test_what_was_sent_is_not_repeated(api: Served) -> None:
    answer = api.post(f"{V1}/runs", {"deployment": "a/b", "parameters": "my-password"})

    assert answer.code == "invalid_request"
    assert b"my-password" not in answer.body


def test_a_schedule_and_its_instants(api: Served, seeds: Seeds) -> None:
    seeds.deployment()
    schedules = f"{V1}/deployments/{HELLO}/schedules"
    rule = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    made = api.post(schedules, {**rule, "slug": "nightly"})
    start = "?count=3&start=2026-03-28T00:00:00Z"
    stored = api.get(f"{schedules}/nightly/preview{start}").document["items"]

    assert (made.status, made.document["origin"]) == (201, "user")
    assert [each["at"] for each in stored] == [
        "2026-03-28T01:30:00.000Z",
        "2026-03-29T01:00:00.000Z",
        "2026-03-30T00:30:00.000Z",
    ]
    assert "not exist" in stored[1]["notes"][0]
    assert api.post(f"{V1}/schedules/preview{start}", rule).document["items"] == stored
    (listed,) = api.get(f"{V1}/schedules").document["items"]
    assert (listed["deployment"], listed["slug"]) == (HELLO, "nightly")


def test_histories_tell_whose_key_it_was(server: Server, seeds: Seeds) -> None:
    seeds.deployment()
    with serving(server.url, api_key=f"alice={SECRET},{READER}:read") as api:
        run = ask_for(api).code
        assert run == "key_needed"
        api.key = SECRET
        made = ask_for(api).document
        cancelled = api.post(f"{V1}/runs/{made['id']}/cancel").document

    assert made["created_by"] == "alice"
    assert "alice" in cancelled["history"][-1]["reason"]


def test_a_client_with_a_key(server: Server, seeds: Seeds) -> None:
    seeds.deployment()
    with serving(server.url, api_key=f"{SECRET},{READER}:read") as api:
        with Client(api.url, api_key=SECRET) as writer:
            assert writer.create_run(HELLO).created_by == "key 1"
        with Client(api.url, api_key=READER) as reader:
            assert len(reader.runs()) == 1
            with pytest.raises(ServerRefused, match="may read only"):
                reader.create_run(HELLO)
        with Client(api.url) as nobody, pytest.raises(ServerRefused, match="needs a key"):
            nobody.runs()
    with Client(api.url) as late, pytest.raises(ServerUnavailable):
        late.runs()


def test_long_lists_come_whole_through_pages(
    api: Served, server: Server, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (asking, deploying, noticing):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    for name in "abcde":
        seeds.deployment(f"hello/{name}")
    with Client(api.url) as through, Client(server.url) as direct:
        for number in range(5):
            through.emit_event("x.y", str(number))
            through.create_run(f"hello/{'abcde'[number]}")
        for client in (through, direct):
            assert [each.name for each in client.deployments()] == [f"hello/{n}" for n in "abcde"]
            assert [each.resource["id"] for each in client.events(4, "x.*")] == list("4321")
            assert len(client.runs()) == 5
        (followed,) = [next(each.stream_events("x.*", after="0-1")) for each in (through,)]
        assert followed.resource["id"] == "0"
        assert through.event(followed.id) == direct.event(followed.id) == followed


def test_a_refusal_of_the_form_is_invalid_input(api: Served) -> None:
    with Client(api.url) as client, pytest.raises(InvalidInput, match="limit"):
        client.runs_page(0)


def test_a_program_posts_an_event(server: Server) -> None:
    body = json.dumps({"sum": 3}).encode()
    with serving(server.url, api_key=SECRET, webhook_secret=HOOKS) as api:

        def post(signed: str, key: str = "delivery-1") -> Any:
            headers = {"X-Signature-256": signed, "Idempotency-Key": key}
            return api.post(f"{V1}/webhooks/order.paid?resource_id=7", body, headers=headers)

        made = post(signature(HOOKS, body))
        again = post(signature(HOOKS, body))
        wrong = post(signature("another-secret-of-hooks", body))

        assert made.status == 201
        assert made.document["payload"] == {"sum": 3}
        assert made.document["resource"] == {"id": "7"}
        assert (wrong.status, wrong.code) == (401, "not_signed")
        assert again.document["id"] == "delivery-1"
        assert len(api.get(f"{V1}/events", key=SECRET).document["items"]) == 1


def test_without_a_secret_no_program_posts(api: Served) -> None:
    signed = {"X-Signature-256": signature("", b"{}")}
    assert api.post(f"{V1}/webhooks/x", b"{}", headers=signed).code == "not_signed"


def test_the_server_tells_of_itself(api: Served) -> None:
    found = api.get(f"{V1}/server").document

    assert found["facts"]["redis_version"]
    assert found["scheduler"] is False
    assert {each["level"] for each in found["findings"]} <= {"refuse", "warn", "ok"}
    assert all(each["what"] for each in found["findings"])


def test_damaged_keys_are_named_and_repaired(api: Served, server: Server, seeds: Seeds) -> None:
    d = seeds.deployment()
    run = seeds.waiting()
    assert api.get(f"{V1}/server/misfits").document == {"items": [], "next": None}
    with open_client(server.url) as client:
        client.delete(f"orc:{{{d}}}:queue")

    named = api.get(f"{V1}/server/misfits")
    again = api.get(f"{V1}/server/misfits")
    repaired = api.post(f"{V1}/server/repair")
    after = api.get(f"{V1}/server/misfits")

    misfit = {"deployment": HELLO, "run": run, "what": "waits without ticket"}
    assert (named.status, named.document["items"]) == (200, [misfit])
    assert again.document == named.document, "asking mends nothing"
    assert (repaired.status, repaired.document["items"]) == (200, [misfit])
    assert after.document["items"] == []
    assert api.post(f"{V1}/server/repair").document["items"] == []


def test_only_who_may_write_repairs(server: Server, seeds: Seeds) -> None:
    d = seeds.deployment()
    seeds.waiting()
    with open_client(server.url) as client:
        client.delete(f"orc:{{{d}}}:queue")
    with serving(server.url, api_key=f"{SECRET},{READER}:read") as api:
        refused = api.post(f"{V1}/server/repair", key=READER)
        assert refused.status == 403
        assert api.post(f"{V1}/server/repair").status == 401
        assert len(api.get(f"{V1}/server/misfits", key=READER).document["items"]) == 1
        assert len(api.post(f"{V1}/server/repair", key=SECRET).document["items"]) == 1


def test_health_without_a_server() -> None:
    with serving("unix:///nowhere/s") as api:
        answer = api.get(f"{V1}/health")
        assert (answer.status, answer.document["status"]) == (503, "down")
        refused = api.get(f"{V1}/runs")
        assert (refused.status, refused.code) == (503, "server_unavailable")


def test_nothing_of_a_request_waits_for_a_thread() -> None:
    """A dependency that is no coroutine is called in one, which takes longer than most answers."""
    for needed in (BackendNeeded, CallerNeeded, ViewNeeded):
        _, depends = get_args(needed)
        assert inspect.iscoroutinefunction(depends.dependency)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "json", ""])
def test_a_body_must_say_that_it_is_json(api: Served, seeds: Seeds, kind: str) -> None:
    seeds.deployment()
    body = json.dumps({"deployment": HELLO}).encode()
    refused = api.post(f"{V1}/runs", body, headers={"Content-Type": kind})

    assert (refused.status, refused.code) == (415, "unsupported_media_type")
    assert "application/json" in refused.document["remedy"]
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8"}
    assert api.post(f"{V1}/runs", body, headers=headers).status == 201


@pytest.mark.parametrize("body", [b'"\xff"', b"[" * 100_000], ids=["no UTF-8", "no end"])
def test_a_body_that_nobody_can_read(api: Served, body: bytes) -> None:
    refused = api.post(f"{V1}/runs", body, headers={"Content-Type": "application/json"})

    assert (refused.status, refused.code) == (400, "unreadable_body")
    assert refused.document["remedy"]


@pytest.mark.parametrize("id", ["order/7", "a b", "ä%2f?#", ".."])
def test_an_event_is_found_whatever_its_id_is(api: Served, server: Server, id: str) -> None:  # noqa: A002
    with Client(server.url) as direct, Client(api.url) as through:
        made = direct.emit_event("order.paid", "1", id=id)
        assert through.event(id) == made


@pytest.mark.parametrize(
    "moment",
    ["0048-05-22T08:33:01.5Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
)
def test_a_moment_of_any_year_is_taken_or_refused(api: Served, seeds: Seeds, moment: str) -> None:
    seeds.deployment()
    answer = ask_for(api, scheduled_at=moment)

    assert answer.status in (201, 422), answer
    with Client(api.url) as client:
        assert len(client.runs()) == (answer.status == 201)
    happened = {"event": "order.paid", "resource": "7", "occurred": moment}
    assert api.post(f"{V1}/events", happened).status == answer.status
    assert api.get(f"{V1}/events").status == 200
