"""Pages that stay open: while the server is away, and while a log grows very long."""

from __future__ import annotations

import json
import time

from playwright.sync_api import Browser, Page, expect

from orchestrator.model.ids import RunId
from orchestrator.store.connection import open_store
from orchestrator.store.logs import append_log
from tests.api.serving import serving
from tests.browser.looking import PATIENCE_MS, Faults, opened
from tests.cli.seeds import HELLO, Seeds
from tests.support import Server

LINES, BATCH = 100_000, 500


def test_the_server_goes_and_comes_back(browser: Browser) -> None:
    server = Server(options=("--save", "", "--appendonly", "yes")).start()
    store = open_store(server.url)
    Seeds(store).deployment()
    faults = Faults()
    with serving(server.url) as pages, opened(browser, pages.url, faults) as tab:
        tab.goto(f"/deployments/{HELLO}")
        away = tab.get_by_text("The server does not answer. What stands here")
        expect(away).not_to_be_visible()
        server.kill()
        expect(away).to_be_visible(timeout=PATIENCE_MS)
        tab.get_by_role("button", name="Hold", exact=True).click()
        expect(tab.get_by_role("alert").first).to_be_visible()
        server.start()
        expect(away).not_to_be_visible(timeout=PATIENCE_MS)
        tab.get_by_role("button", name="Hold", exact=True).click()
        expect(tab.get_by_role("button", name="Release")).to_be_visible(timeout=PATIENCE_MS)
    store.close()
    server.stop()
    assert not faults.found


def test_a_log_of_a_hundred_thousand_lines(tab: Page, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    facts = {"t": time.time(), "l": "INFO", "n": "flow", "a": 1}
    batches = [
        "".join(json.dumps({**facts, "m": f"line {at};"}) + "\n" for at in range(s, s + BATCH))
        for s in range(0, LINES, BATCH)
    ]
    run_id = RunId(claimed.run_id)
    seeds.store.call_all(
        [append_log(run_id, claimed.token, each.encode(), 3_600_000) for each in batches]
    )
    tab.goto(f"/runs/{run_id}")
    log = tab.get_by_role("log")
    expect(log).to_contain_text(f"line {LINES - 1};")

    seeds.log(claimed, "one more")
    expect(log).to_contain_text("one more", timeout=PATIENCE_MS)
    tab.get_by_role("button", name="Earlier lines").or_(
        tab.get_by_role("link", name="Earlier lines")
    ).click()
    expect(log).to_contain_text(f"line {LINES - 2 * BATCH};", timeout=PATIENCE_MS)
    assert tab.locator("[data-log] li").count() <= 4000

    tab.get_by_label("Search").fill("line 77;")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(log.locator("li")).to_have_count(1, timeout=PATIENCE_MS)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes().count(b"\n") == LINES + 1
