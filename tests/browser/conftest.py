"""A real browser before real pages. Everything here is long: a browser is heavy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.api.serving import Served
from tests.browser.looking import Faults, opened
from tests.support import Server
from tests.support.processes import Starter, scripts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; ``scripts/test`` installs it.

    Gone with the last test of a module: while it is there an event loop counts as running in this
    thread, and other tests could not start theirs.
    """
    path = shutil.which("chromium")
    assert path, "no chromium on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        # --no-sandbox: tests run as root in containers, and see only our own pages.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def starter(server: Server, tmp_path: Path) -> Iterator[Starter]:
    """Starts scripts that serve."""
    with scripts(tmp_path, ORCHESTRATOR_REDIS_URL=server.url) as started:
        yield started


@pytest.fixture
def tab(browser: Browser, pages: Served) -> Iterator[Page]:
    """A tab of a browser of its own; in the end nothing went wrong in it."""
    faults = Faults()
    with opened(browser, pages.url, faults) as page:
        yield page
    assert not faults.found, faults.found
