"""The whole story of a served flow, as somebody lives it who only has a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.store.deployments import list_deployments
from orchestrator.store.listing import list_runs
from orchestrator.store.wanted import Wanted
from tests.api.serving import Served
from tests.browser.looking import PATIENCE_MS, Faults, opened
from tests.cli.seeds import Seeds
from tests.support import eventually
from tests.support.processes import Starter, gone

SCRIPT = """
import time
from orchestrator import flow

@flow(log_prints=True)
def sleeper(sleep: float = 1, who: str = "nobody") -> str:
    for tick in range(int(sleep * 5)):
        print(f"tick {tick} for {who}")
        time.sleep(0.2)
    return who

if __name__ == "__main__":
    sleeper.serve(name="sleeper", interval=3600)
"""
NAME = "sleeper/sleeper"


def serve_sleeper(starter: Starter, seeds: Seeds) -> None:
    starter.python(SCRIPT)
    eventually(lambda: is_served(seeds), within=60, why="the sleeper is served")


def is_served(seeds: Seeds) -> bool:
    return any(each.runners for each in seeds.store.follow(list_deployments()))


def newest(seeds: Seeds) -> Run:
    (run,) = seeds.store.follow(list_runs(1, Wanted(deployment=NAME)))
    return run


def test_the_story_of_a_sleeper(tab: Page, pages: Served, starter: Starter, seeds: Seeds) -> None:
    serve_sleeper(starter, seeds)

    tab.goto("/deployments")
    tab.get_by_label("Search").fill("sleep")
    tab.get_by_role("button", name="Filter").click()
    tab.get_by_role("link", name=NAME, exact=True).click()
    tab.get_by_role("link", name="Run", exact=True).click()
    tab.get_by_label("sleep").fill("300")
    tab.get_by_label("who").fill("Ada")
    tab.get_by_role("main").get_by_role("button", name="Run", exact=True).click()

    expect(tab.get_by_text("was asked for")).to_be_visible()
    log = tab.get_by_role("log")
    expect(log).to_contain_text("tick 3 for Ada", timeout=PATIENCE_MS)
    expect(tab.locator(".head .state")).to_contain_text("Running", timeout=PATIENCE_MS)
    run = newest(seeds)
    assert run.pid is not None

    tab.get_by_role("link", name=NAME).first.click()
    schedules = tab.locator("[data-part=schedules]")
    schedules.get_by_role("button", name="Pause").click()
    expect(schedules.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE_MS)
    schedules.get_by_role("button", name="Resume").click()
    expect(schedules.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE_MS)

    tab.locator("[data-part=runs]").get_by_role("link", name=run.name).click()
    tab.get_by_role("button", name="Cancel").click()
    tab.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(tab.locator(".head .state")).to_contain_text("Cancelled", timeout=PATIENCE_MS)
    gone([run.pid])
    assert newest(seeds).state is State.CANCELLED


def test_two_people_at_once(
    browser: Browser, tab: Page, pages: Served, starter: Starter, seeds: Seeds
) -> None:
    """One cancels; the other sees it without doing anything, and is told when he tries too."""
    serve_sleeper(starter, seeds)
    run_id = seeds.waiting(NAME, sleep=300)
    faults = Faults()
    with opened(browser, pages.url, faults) as other:
        tab.goto(f"/runs/{run_id}")
        other.goto(f"/runs/{run_id}")
        for each in (tab, other):
            expect(each.locator(".head .state")).to_contain_text("Running", timeout=PATIENCE_MS)
        # The second one's page is as it was a moment ago: it asks for no news.
        other.route("**/*", lambda route: route.abort() if _is_look(route) else route.continue_())
        tab.get_by_role("button", name="Cancel").click()
        tab.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(tab.locator(".head .state")).to_contain_text("Cancelled", timeout=PATIENCE_MS)

        other.get_by_role("button", name="Cancel").click()
        other.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(other.get_by_text(re.compile("already Cancelled"))).to_be_visible()
        other.unroute("**/*")
        expect(other.locator(".head .state")).to_contain_text("Cancelled", timeout=PATIENCE_MS)
    assert not faults.found


def _is_look(route: object) -> bool:
    request = route.request  # type: ignore[attr-defined]
    return bool(request.method == "GET" and "/runs/" in request.url)
