"""Every page: at the width of a phone, in both themes, for people who do not see or point; and with
texts in every field that would like to be scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from orchestrator.model.event import emitted
from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.store.events import emit_event
from orchestrator.store.runs import read_run
from tests.api.serving import Served
from tests.browser.looking import DESK, PHONE, Faults, is_too_wide, opened, serious
from tests.cli.seeds import EVERY_HOUR, HELLO, SCHEMA, Seeds

LONG = "a_very_long_name_without_any_place_to_break_it_because_somebody_liked_it_so_much_" * 2


@pytest.fixture
def places(seeds: Seeds) -> list[str]:
    """Every page, with something on it in each state of a run."""
    seeds.deployment(schedules=(EVERY_HOUR,), description="It **greets**.", tags=("demo", LONG))
    seeds.deployment(f"{LONG}/{LONG}")
    seeds.runner()
    runs = [seeds.waiting(HELLO, times=1)]
    for state in (State.COMPLETED, State.FAILED, State.TIMED_OUT, State.CRASHED):
        claimed = seeds.running()
        for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            seeds.log(claimed, f"a line {LONG}", level=level)
        error = json.dumps({"type": "ValueError", "message": LONG, "traceback": LONG})
        runs.append(seeds.finish(claimed, state, error=error, result=json.dumps({"a": LONG})))
    runs.append(RunId(seeds.running().run_id))
    seeds.store.call(emit_event(emitted("door.opened", LONG)))
    deployment = f"/deployments/{HELLO}"
    return [
        *("/", "/?window=15m", "/runs", "/deployments", "/runners", "/events"),
        *(deployment, f"{deployment}/versions", f"{deployment}/run", f"{deployment}/run?mode=json"),
        *(f"{deployment}/schedules", f"{deployment}/schedules/hourly"),
        f"/deployments/{LONG}/{LONG}",
        *(f"/runs/{run}" for run in runs),
        f"/runs/{runs[1]}/retry",
        "/runs/none",
    ]


@pytest.mark.parametrize(
    ("theme", "size"), [("light", DESK), ("dark", PHONE)], ids=["light-desk", "dark-phone"]
)
def test_anybody_can_use_every_page(
    browser: Browser, pages: Served, places: list[str], theme: str, size: dict[str, int]
) -> None:
    faults, found = Faults(), []
    with opened(browser, pages.url, faults, viewport=size, color_scheme=theme) as tab:
        for place in places:
            tab.goto(place)
            found += serious(tab)
            if is_too_wide(tab):
                found.append(f"{place} scrolls sideways")
    assert not found, "\n".join(found)
    assert not [each for each in faults.found if "404" not in each]


def test_the_timeline_says_what_a_bar_is_and_looks_further_back(tab: Page, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.finish(seeds.running(), State.FAILED)
    tab.goto("/")
    zoom = tab.get_by_role("navigation", name="Zoom")
    bar = tab.get_by_role("group", name=f"Runs of {HELLO}").get_by_role("link")
    tip = tab.locator("#tip")
    expect(tip).to_be_hidden()
    bar.hover()
    expect(tip).to_contain_text("Failed")
    zoom.hover()
    expect(tip).to_be_hidden()
    bar.focus()
    expect(tip).to_contain_text("Failed")

    scale = tab.locator(".scale")
    near = scale.inner_text()
    zoom.get_by_role("link", name="24 hours").click()
    expect(tab).to_have_url(re.compile(r"\?window=24h$"))
    expect(zoom.get_by_role("link", name="24 hours")).to_have_attribute("aria-current", "true")
    expect(scale).not_to_have_text(near)
    bar.focus()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(f"/runs/{run_id}$"))


def test_the_theme_that_was_chosen_stays(tab: Page, seeds: Seeds) -> None:
    tab.goto("/")
    before = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    with tab.expect_response("**/settings/theme"):
        tab.get_by_label("Colours").select_option("dark")
    tab.goto("/runs")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != before
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_is_enough(tab: Page, seeds: Seeds) -> None:
    seeds.deployment()
    tab.goto("/")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab.keyboard.press("g")
    tab.keyboard.press("d")
    tab.wait_for_url("**/deployments")
    tab.keyboard.press("j")
    expect(tab.get_by_role("link", name=HELLO, exact=True)).to_be_focused()
    tab.keyboard.press("/")
    expect(tab.get_by_label("Search")).to_be_focused()
    tab.keyboard.type("?")
    expect(tab.get_by_role("dialog")).not_to_be_visible()


def injections() -> Iterator[str]:
    """Texts that become scripts wherever one is careless."""
    call = "document.documentElement.setAttribute('data-hit','1')"
    yield f"<script>{call}</script>"
    yield f"</script><script>{call}</script>"
    yield f"</title><script>{call}</script>"
    yield f"</textarea><script>{call}</script>"
    yield f"</pre><script>{call}</script>"
    yield f"--><script>{call}</script>"
    yield f"<img src=x onerror={call}>"
    yield f'<img src=x onerror="{call}">'
    yield f"<svg onload={call}>"
    yield f"<svg><script>{call}</script></svg>"
    yield f"<svg><animate onbegin={call} attributeName=x>"
    yield f"<body onload={call}>"
    yield f"<details open ontoggle={call}>x</details>"
    yield f'<iframe srcdoc="<script>parent.{call}</script>"></iframe>'
    yield f'<iframe src="javascript:parent.{call}"></iframe>'
    yield f'<math><mi xlink:href="javascript:{call}">x</mi></math>'
    yield f'<a href="javascript:{call}">x</a>'
    yield f"[x](javascript:{call})"
    yield f'![x](x" onerror="{call})'
    yield f"<javascript:{call}>"
    yield f'" autofocus onfocus="{call}'
    yield f"' autofocus onfocus='{call}"
    yield f'"><script>{call}</script>'
    yield f"'><script>{call}</script>"
    yield f"` onmouseover=`{call}"
    yield f"{{{{ {call} }}}}"
    yield f"${{{call}}}"
    yield f"<style>@import 'javascript:{call}'</style>"
    yield f'<link rel=stylesheet href="data:text/css,*{{background:url(javascript:{call})}}">'
    yield f"<template><script>{call}</script></template><meta http-equiv=refresh content=0>"
    yield f'<form action="javascript:{call}"><button autofocus>x</button></form>'
    yield "\u202e<scr\u0000ipt>".replace("\u0000", "") + call


def test_texts_never_become_scripts(tab: Page, seeds: Seeds) -> None:
    texts = list(injections())
    assert len(texts) >= 30
    everything = "\n\n".join(texts)
    properties = {
        f"p{at}": {"type": "string", "default": each, "description": each, "title": each}
        for at, each in enumerate(texts)
    }
    seeds.deployment(
        description=everything,
        tags=tuple(texts),
        version=everything,
        entrypoint=everything,
        parameters={f"p{at}": each for at, each in enumerate(texts)},
        parameter_schema={**SCHEMA, "properties": properties, "additionalProperties": True},
    )
    seeds.runner(host=texts[0], name=texts[6], version=texts[22])
    claimed = seeds.running()
    for at, each in enumerate(texts):
        seeds.log(claimed, each, level=each if at % 2 else "INFO", logger=each)
        seeds.store.call(emit_event(emitted(f"door.{at}", {"id": each}, {"text": each})))
    error = json.dumps({"type": texts[0], "message": everything, "traceback": everything})
    ended = seeds.finish(
        claimed, State.FAILED, error=error, result=json.dumps(texts), reason=everything
    )
    places = [
        *("/", "/runs", "/deployments", "/runners", "/events", f"/runs/{ended}"),
        *(f"/deployments/{HELLO}", f"/deployments/{HELLO}/run", f"/runs/{ended}/retry"),
        f"/deployments/{HELLO}/run?mode=json",
    ]
    asked = quote(everything[:1500])
    places += [
        f"/runs?tag={asked}&q={asked}&state={asked}",
        f"/deployments?q={asked}&tag={asked}",
        f"/events?name={asked}&resource={asked}",
        f"/runs/{ended}?q={asked}&level={asked}",
    ]
    for place in places:
        tab.goto(place)
        assert tab.locator("html").get_attribute("data-hit") is None, place
        assert tab.evaluate("document.querySelectorAll('script').length") == 1, place
        strange = "main :is(img, iframe, style, link, math, object, embed, base, meta)"
        assert tab.locator(strange).count() == 0, place
        assert tab.evaluate(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every("
            "a => !a.name.startsWith('on') && !a.value.trim().startsWith('javascript:')"
            " || ['value', 'data-copy', 'title', 'placeholder'].includes(a.name)))"
        ), place
    assert seeds.store.call(read_run(ended)) is not None
