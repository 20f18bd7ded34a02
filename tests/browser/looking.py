"""Tabs, and what goes wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, ConsoleMessage, Page

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}
PATIENCE_MS = 30_000
"""For what happens elsewhere: the machine may be busy."""

HARMLESS = ("net::ERR_", "503 (Service Unavailable)", "409 (Conflict)", "422 (Unprocessable")
"""What a browser itself notes of answers that a page expects."""


@dataclass
class Faults:
    """Errors of scripts, and whatever the policy has stopped."""

    found: list[str] = field(default_factory=list)

    def hear(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.found.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", lambda dialog: self.found.append(f"dialog: {dialog.message}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(each in message.text for each in HARMLESS):
            self.found.append(message.text)


@contextmanager
def opened(browser: Browser, url: str, faults: Faults, **options: Any) -> Iterator[Page]:
    """A tab of a browser of its own."""
    context = browser.new_context(**{"base_url": url, "viewport": DESK, **options})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    faults.hear(page)
    yield page
    context.close()


def is_too_wide(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
