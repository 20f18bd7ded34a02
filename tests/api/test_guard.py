"""Who is let in: every route without a key, with tricks in the path, from other sites."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from orchestrator.api.exposure import check_exposure
from orchestrator.api.guard import OPEN, WEBHOOK
from orchestrator.api.limits import LARGEST_BODY
from orchestrator.api.safe_headers import CONTENT_SECURITY_POLICY
from orchestrator.model.errors import InvalidOption
from orchestrator.settings import load_settings
from tests.api.serving import Served, serving
from tests.support import Server

SECRET, READER = "writers-secret-0123", "readers-secret-0123"
LIST = "/api/v1/deployments"


@pytest.fixture(scope="module")
def locked(server_of_worker: Server) -> Iterator[Served]:
    """An API with two keys, of which one may read only."""
    with serving(server_of_worker.url, api_key=f"alice={SECRET}, board={READER}:read") as served:
        yield served


@pytest.fixture
def fresh(server: Server, locked: Served) -> Served:
    """The same, with no wrong key remembered."""
    locked.app.state.backend.attempts.forget()
    return locked


def routes(app: Any) -> list[tuple[str, str]]:
    """Every (method, path) there is; mounts stand for something below them."""
    found = []
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        path = route.path.replace("{", "").replace("}", "")
        if route.methods:
            found += [(method, path) for method in route.methods]
        else:
            found.append(("GET", f"{path}/something"))
    assert len(found) > 5
    return found


def tricks(path: str) -> list[str]:
    """Ways to write a path so that one reader takes it for another one."""
    return [
        path,
        f"/{path}",
        f"{path}/",
        f"/login/..{path}",
        f"/login/%2e%2e{path}",
        f"/api/v1/health/..{path}",
        f"{path}?/login",
        f"{path}%3f/login",
        f"{path};/login",
        f"{path}#/login",
        path.upper(),
        path.replace("/api", "/%61pi"),
        f"http://127.0.0.1{path}",
        f"/api/assets/page.css{path}",
        f"/login/%2e%2e%2f..{path}",
        f"/login;/..{path}",
        f"/api/v1/webhooks/x/..{path}",
        f"{path}/.",
        f"/.{path}",
        f"{path}%00",
        path.replace("/", "%2f"),
        path.replace("/", "\\"),
    ]


def test_every_route_needs_a_key(fresh: Served) -> None:
    for method, path in routes(fresh.app):
        if path in OPEN or WEBHOOK.fullmatch(path):
            continue
        for tricky in tricks(path):
            answer = fresh.ask(method, tricky)
            assert answer.status in (401, 403, 400), (method, tricky, answer)


def test_a_browser_without_a_session_is_led_to_the_login(fresh: Served) -> None:
    answer = fresh.get("/runs?state=Failed", headers={"Accept": "text/html,*/*"})

    assert answer.status == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == "/login?next=%2Fruns%3Fstate%3DFailed"


def test_a_right_key_opens(fresh: Served) -> None:
    assert fresh.get(LIST, key=SECRET).document["items"] == []
    assert fresh.get(LIST, key=READER).document["items"] == []


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong-secret-0123",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        SECRET,
        "",
        "Bearer \xe9",
        f"Bearer alice={SECRET}",
        f"Bearer {READER}:read",
    ],
)
def test_a_wrong_key_does_not(fresh: Served, header: str) -> None:
    answer = fresh.get(LIST, headers={"Authorization": header})

    assert (answer.status, answer.code) == (401, "key_needed")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_for_reading_changes_nothing(fresh: Served) -> None:
    answer = fresh.post(LIST, {}, key=READER)

    assert (answer.status, answer.code) == (403, "read_only_key")


def test_too_many_wrong_keys_wait(fresh: Served) -> None:
    session = {"Cookie": log_in(fresh, SECRET).headers["set-cookie"].partition(";")[0]}
    codes = [fresh.get(LIST, key="wrong-secret-0123").code for _ in range(11)]

    assert codes == ["key_needed"] * 10 + ["too_many_attempts"]
    refused = fresh.get(LIST, key=SECRET)
    assert refused.code == "too_many_attempts", "right or wrong is not told meanwhile"
    assert 0 < int(refused.headers["retry-after"]) <= 61
    assert log_in(fresh, SECRET).status == HTTPStatus.TOO_MANY_REQUESTS
    assert fresh.get("/api/v1/health").status == HTTPStatus.OK
    assert fresh.get(LIST, headers=session).status == HTTPStatus.OK, "who is in stays in"


LOGIN = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:{}"}


def log_in(served: Served, secret: str, place: str = "/") -> Any:
    headers = {name: value.format(served.port) for name, value in LOGIN.items()}
    return served.post("/login", f"key={secret}&next={place}".encode(), headers=headers)


def test_a_session_reads_and_changes_and_ends(fresh: Served) -> None:
    answer = log_in(fresh, SECRET, "%2Fruns%3Fa%3D1")
    assert (answer.status, answer.headers["location"]) == (303, "/runs?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    ours = {**session, "Origin": fresh.url}

    assert fresh.get(LIST, headers=session).status == HTTPStatus.OK
    assert fresh.post(LIST, {}, headers=ours).status == HTTPStatus.METHOD_NOT_ALLOWED
    assert fresh.post(LIST, {}, headers=session).code == "key_needed", "nobody says who sent it"
    assert fresh.post("/logout", headers=ours).headers["location"] == "/login"


def test_a_session_holds_at_another_process_with_the_key_and_at_no_other(
    fresh: Served, server: Server
) -> None:
    session = {"Cookie": log_in(fresh, READER).headers["set-cookie"].partition(";")[0]}

    with serving(server.url, api_key=f"board={READER}:read") as second:
        assert second.get(LIST, headers=session).status == HTTPStatus.OK
    with serving(server.url, api_key=f"board={READER}") as changed:
        assert changed.get(LIST, headers=session).code == "key_needed", "its rights have changed"
    forged = {"Cookie": session["Cookie"][:-1] + "0"}
    longer = {"Cookie": session["Cookie"].replace(".", ".9", 1)}
    assert fresh.get(LIST, headers=forged).code == "key_needed"
    assert fresh.get(LIST, headers=longer).code == "key_needed"


@pytest.mark.parametrize(
    "place", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/%0d%0aX:1"]
)
def test_a_login_leads_nowhere_else(fresh: Served, place: str) -> None:
    assert log_in(fresh, SECRET, place).headers["location"] == "/"


def test_the_login_page_asks_again_and_shows_nothing_as_markup(fresh: Served) -> None:
    answer = fresh.get("/login?next=%22%3E%3Cscript%3E")
    assert b"<script>" not in answer.body

    again = log_in(fresh, "wrong", "%22%3E%3Cscript%3E")
    assert (again.status, b"not one of the keys" in again.body) == (401, True)
    assert b"<script>" not in again.body


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1:x"])
def test_another_hosts_name(api: Served, host: str) -> None:
    answer = api.get(LIST, headers={"Host": host})

    assert (answer.status, answer.code) == (421, "host_not_allowed")


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:4300", "10.1.2.3:80"])
def test_names_that_are_ours(api: Served, host: str) -> None:
    assert api.get(LIST, headers={"Host": host}).status == HTTPStatus.OK


def test_a_name_from_the_settings(server: Server) -> None:
    with serving(server.url, api_hosts="runs.example.org, other") as served:
        assert served.get(LIST, headers={"Host": "runs.example.org"}).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MADE-UP"])
def test_no_change_from_another_site(api: Served, headers: dict[str, str], method: str) -> None:
    sent = {name: value.format(port=api.port) for name, value in headers.items()}

    assert api.ask(method, LIST, headers=sent).code == "cross_site"


def test_changes_of_our_own_pages_pass(api: Served) -> None:
    ours = {"Origin": api.url, "Sec-Fetch-Site": "same-origin"}

    assert api.post(LIST, {}, headers=ours).code == "method_not_allowed"


def test_other_sites_may_read_nothing(api: Served) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    for answer in (api.ask("OPTIONS", LIST, headers=headers), api.get(LIST, headers=headers)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", [LIST, "/nowhere", "/login", "/api/assets/page.css"])
def test_every_answer_bears_the_safe_headers(fresh: Served, path: str) -> None:
    headers = fresh.get(path).headers

    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_bodies_have_a_limit(fresh: Served) -> None:
    long = b"x" * (LARGEST_BODY + 1)

    assert log_in(fresh, "x" * LARGEST_BODY).code == "body_too_large"
    chunked = {"Transfer-Encoding": "chunked", **LOGIN, "Origin": fresh.url}
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(long), long)
    assert fresh.ask("POST", "/login", body, headers=chunked).code == "body_too_large"


def test_beyond_this_machine_a_key_is_needed() -> None:
    open_to_all = load_settings({}, api_host="0.0.0.0")
    with pytest.raises(InvalidOption, match="ORCHESTRATOR_API_KEY"):
        check_exposure(open_to_all)
    check_exposure(load_settings({}, api_host="0.0.0.0", api_key=SECRET))
    check_exposure(load_settings({}, api_host="::1"))


def test_a_form_of_somebody_else_is_no_login(fresh: Served) -> None:
    body = "&".join(f"field{number}=1" for number in range(50)).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": fresh.url}

    answer = fresh.post("/login", body, headers=headers)

    assert answer.status == HTTPStatus.BAD_REQUEST
    assert b"not the form of this page" in answer.body


def test_an_address_waits_over_however_many_connections(fresh: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrong = [pool.submit(fresh.get, LIST, key="wrong-secret-0123") for _ in range(40)]
        codes = [each.result().code for each in wrong]

    assert sorted(codes) == ["key_needed"] * 10 + ["too_many_attempts"] * 30


def test_a_network_waits_as_one(fresh: Served) -> None:
    def sent_from(address: str) -> str:
        headers = {"X-Forwarded-For": address}  # as a proxy on this machine says it
        return fresh.get(LIST, key="wrong-secret-0123", headers=headers).code

    codes = {sent_from(f"2001:db8::{number}") for number in range(1, 11)}

    assert codes == {"key_needed"}
    assert sent_from("2001:db8::ffff") == "too_many_attempts"
    assert sent_from("2001:db8:0:1::1") == "key_needed", "another network"
    assert sent_from("::ffff:192.0.2.1") == sent_from("192.0.2.1") == "key_needed"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "QUERY"])
def test_no_method_opens_a_route(fresh: Served, method: str) -> None:
    for path in {path for _, path in routes(fresh.app)} - OPEN:
        if not WEBHOOK.fullmatch(path):
            assert fresh.ask(method, path).status == HTTPStatus.UNAUTHORIZED, path


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "GET"},
        {"X-Method-Override": "GET"},
        {"X-Original-URL": "/login"},
        {"X-Rewrite-URL": "/login"},
        {"X-Forwarded-Prefix": "/login"},
    ],
)
def test_no_header_stands_for_method_or_path(fresh: Served, headers: dict[str, str]) -> None:
    assert fresh.post(LIST, {}, key=READER, headers=headers).code == "read_only_key"
    assert fresh.get(LIST, headers=headers).code == "key_needed"
