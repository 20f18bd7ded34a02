"""A key for reading: what it could not do is not offered."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from orchestrator.model.states import State
from orchestrator.model.trigger import TriggerDefinition
from tests.api.serving import Served, serving
from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.support import Server
from tests.ui.browsing import FORM, page

WRITER, READER = "writers-secret-0123", "readers-secret-0123"
OWN = {"/settings/theme", "/logout"}


@pytest.fixture
def locked(server: Server) -> Iterator[Served]:
    with serving(server.url, api_key=f"alice={WRITER}, board={READER}:read") as served:
        yield served


@pytest.fixture
def places(seeds: Seeds) -> list[str]:
    """Pages with something to be done on each, for whoever may."""
    on_rain = TriggerDefinition(name="on-rain", expect=("rain",))
    seeds.deployment(schedules=(EVERY_HOUR,), triggers=(on_rain,))
    seeds.runner()
    ended, running = seeds.finish(seeds.running(), State.FAILED), seeds.running()
    deployment = f"/deployments/{HELLO}"
    return [
        "/runs",
        f"/runs/{ended}",
        f"/runs/{running.run_id}",
        "/deployments",
        deployment,
        "/runners",
    ]


def offered(html: str) -> set[str]:
    """Where forms and links that change something lead."""
    forms = re.findall(r'<form method="post" action="([^"]+)"', html)
    links = re.findall(r'href="([^"]+/(?:run|retry|schedules))"', html)
    return set(forms + links) - OWN


def test_nothing_is_offered_that_would_be_refused(locked: Served, places: list[str]) -> None:
    for place in places:
        locked.key = WRITER
        assert offered(page(locked, place)), place
        locked.key = READER
        shown = page(locked, place)
        assert offered(shown) - {"/runs/bulk"} == set(), place
        assert 'name="id"' not in shown, "no run can be chosen"


def test_a_form_can_be_looked_at(locked: Served, places: list[str]) -> None:
    locked.key = READER
    for form in ("run", "schedules", "schedules/hourly"):
        shown = page(locked, f"/deployments/{HELLO}/{form}")
        assert "The key board may read only" in shown
        assert 'class="first" disabled' in shown


def test_colours_can_be_chosen(locked: Served) -> None:
    locked.key = READER
    headers = {**FORM, "Origin": locked.url}

    assert locked.post("/settings/theme", b"theme=dark", headers=headers).status == 303
    assert locked.post("/runs/bulk", b"act=cancel", headers=headers).status == 403
