"""The form of a run, filled in by somebody with a browser: mappings, unions, moments, secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from orchestrator.store.listing import list_runs
from orchestrator.store.wanted import Wanted
from tests.api.serving import Served
from tests.browser.looking import DESK, PHONE, Faults, is_too_wide, opened, serious
from tests.cli.seeds import HELLO, Seeds

DOOR = {
    "type": "object",
    "title": "Door",
    "properties": {
        "name": {"type": "string", "position": 0},
        "pin": {"type": "string", "format": "password", "writeOnly": True, "position": 1},
    },
    "required": ["name", "pin"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "env": {"type": "object", "additionalProperties": {"type": "integer"}, "position": 0},
        "what": {
            "anyOf": [{"type": "integer"}, {"type": "array", "items": DOOR}],
            "position": 1,
        },
        "at": {"type": "string", "format": "date-time", "position": 2},
    },
    "required": ["env", "what", "at"],
}
FORM = f"/deployments/{HELLO}/run"


def given(seeds: Seeds) -> dict[str, Any]:
    """The parameters of the newest run, secrets and all."""
    (run,) = seeds.store.follow(list_runs(1, Wanted(deployment=HELLO)))
    return dict(run.parameters)


def test_rows_kinds_and_a_moment(browser: Browser, pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=SCHEMA)
    faults = Faults()
    with opened(browser, pages.url, faults, timezone_id="Asia/Tokyo") as tab:
        fill(tab)
        tab.get_by_role("main").get_by_role("button", name="Run", exact=True).click()
        expect(tab.get_by_text("was asked for")).to_be_visible()
    assert given(seeds) == {
        "env": {"b": 2},
        "what": [{"name": "front", "pin": "1111"}, {"name": "back", "pin": "2222"}],
        "at": "2026-07-01T09:00:00+09:00",
    }
    assert not faults.found, faults.found


def fill(tab: Page) -> None:
    tab.goto(FORM)
    add = tab.get_by_role("button", name="Add to env")
    add.click()
    expect(tab.get_by_label("Key 1")).to_be_focused()
    tab.keyboard.type("a")
    add.click()
    expect(tab.get_by_label("Key 2")).to_be_focused()
    tab.keyboard.type("b")
    tab.get_by_label("Value 2").fill("2")
    tab.get_by_role("button", name="Remove env 1").click()
    expect(tab.get_by_label("Key 1")).to_have_value("b")
    expect(add).to_be_focused()

    tab.get_by_label("Kind of what").select_option(label="list of Door")
    for number, (name, pin) in enumerate((("side", "0"), ("front", "1111"), ("back", "2222"))):
        tab.get_by_role("button", name="Add to what").click()
        row = tab.get_by_role("group", name=f"what {number + 1}")
        row.get_by_label("name").fill(name)
        row.get_by_label("pin").fill(pin)
    tab.get_by_role("button", name="Remove what 1").click()
    expect(tab.get_by_role("group", name="what 3")).to_have_count(0)

    expect(tab.get_by_label("Zone of at")).to_have_value("Asia/Tokyo")
    tab.locator("[id='p/at']").fill("2026-07-01T09:00")
    expect(tab.locator("[data-meaning]").first).to_contain_text("2026-07-01 00:00:00 UTC")


@contextmanager
def answered_late(tab: Page) -> Iterator[None]:
    """What the form asks for is answered only afterwards."""
    held: list[Route] = []
    is_over = False

    def hold(route: Route) -> None:
        if is_over:
            route.continue_()
        else:
            held.append(route)

    tab.route("**/run", hold)
    with tab.expect_request("**/run"):
        yield
    is_over = True
    for each in held:
        each.continue_()


@contextmanager
def form_of(browser: Browser, pages: Served, seeds: Seeds) -> Iterator[Page]:
    """The form, in which nothing is typed yet; nothing goes wrong in it."""
    seeds.deployment(parameter_schema=SCHEMA)
    faults = Faults()
    with opened(browser, pages.url, faults, timezone_id="Europe/Berlin") as tab:
        tab.goto(FORM)
        yield tab
    assert not faults.found, faults.found


def test_what_is_done_while_the_server_answers_stays_done(
    browser: Browser, pages: Served, seeds: Seeds
) -> None:
    """Rows are made by the server, and nobody waits for it: typing, choosing, more rows."""
    with form_of(browser, pages, seeds) as tab:
        add = tab.get_by_role("button", name="Add to env")
        add.click()
        tab.get_by_label("Key 1").fill("a")
        add.click()
        tab.get_by_label("Key 2").fill("b")
        with answered_late(tab):
            tab.get_by_role("button", name="Remove env 1").click()
            add.click()
            tab.get_by_role("button", name="Remove env 2").click()
            add.click()
            tab.get_by_label("Kind of what").select_option(label="list of Door")
            tab.locator("[id='p/at']").fill("2026-07-01T09:00")
        # Both rows are gone, and two are new: the wishes were about the rows as they stood.
        expect(tab.get_by_label("Key 2")).to_have_value("")
        expect(tab.get_by_label("Key 1")).to_have_value("")
        expect(tab.locator("[id='p/at']")).to_have_value("2026-07-01T09:00")
        expect(tab.get_by_role("button", name="Add to what")).to_be_visible()


def test_who_types_while_rows_change_goes_on_typing(
    browser: Browser, pages: Served, seeds: Seeds
) -> None:
    with form_of(browser, pages, seeds) as tab:
        for label, key in (("Key 1", "gone"), ("Key 2", "here")):
            tab.get_by_role("button", name="Add to env").click()
            tab.get_by_label(label).fill(key)
        with answered_late(tab):
            tab.get_by_role("button", name="Remove env 1").click()
            tab.get_by_label("Key 2").press("Home")
            tab.keyboard.type("still ")
        expect(tab.get_by_label("Key 2")).to_have_count(0)
        expect(tab.get_by_label("Key 1")).to_be_focused()
        tab.keyboard.type("and ")
        expect(tab.get_by_label("Key 1")).to_have_value("still and here")


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESK), ("dark", PHONE)], ids=["light-desk", "dark-phone"]
)
def test_anybody_can_fill_it(
    browser: Browser, pages: Served, seeds: Seeds, theme: str, size: dict[str, int]
) -> None:
    """Also when something in it is wrong."""
    seeds.deployment(parameter_schema=SCHEMA)
    faults = Faults()
    with opened(
        browser, pages.url, faults, viewport=size, color_scheme=theme, timezone_id="Europe/Berlin"
    ) as tab:
        fill_wrongly(tab)
        found = serious(tab)
        assert not is_too_wide(tab)
    assert not found, "\n".join(found)
    assert not faults.found, faults.found


def fill_wrongly(tab: Page) -> None:
    tab.goto(FORM)
    tab.get_by_role("button", name="Add to env").click()
    tab.get_by_label("Value 1").fill("many")
    tab.get_by_label("Kind of what").select_option(label="list of Door")
    tab.get_by_role("button", name="Add to what").click()
    tab.locator("[id='p/at']").fill("2026-03-29T02:30")
    tab.get_by_role("main").get_by_role("button", name="Run", exact=True).click()
    expect(tab.get_by_text("is empty: type a key")).to_be_visible()
    fault = tab.locator("p.fault", has_text="does not exist in Europe/Berlin")
    expect(fault).to_be_visible()
