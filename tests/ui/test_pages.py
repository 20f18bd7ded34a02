"""Every page: it shows what there is, says what to do when there is nothing, and how it refuses."""

from __future__ import annotations

import json
import re

import pytest

from orchestrator.model.deployment import ServedCode
from orchestrator.model.ids import RunId, RunnerId, deployment_id, new_nonce
from orchestrator.model.states import State
from orchestrator.store.leases import claim_runs
from orchestrator.store.runners import MOST_SHOWN, register_runner
from tests.api.serving import Served, serving
from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.support import Server
from tests.ui.browsing import page

PLACES = ("/", "/runs", "/deployments", "/runners", "/events")
EMPTY = {
    "/": "Nothing is served yet",
    "/runs": "No runs yet",
    "/deployments": "No deployments yet",
    "/runners": "No runner is serving",
    "/events": "No events yet",
}


@pytest.mark.parametrize("place", PLACES)
def test_an_empty_server(pages: Served, place: str) -> None:
    assert EMPTY[place] in page(pages, place)


def test_home_shows_what_goes_on(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(schedules=(EVERY_HOUR,))
    seeds.runner()
    failed = seeds.finish(seeds.running(), State.FAILED, reason="the disk is full")
    running = seeds.running()

    shown = page(pages, "/")

    assert f"/runs/{failed}" in shown
    assert "the disk is full" in shown
    assert f"/runs/{running.run_id}" in shown


def test_runs_are_filtered_by_the_address(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    done = seeds.finish(seeds.running())
    waiting = seeds.waiting()

    assert waiting not in page(pages, "/runs?state=Completed")
    assert done in page(pages, "/runs?state=Completed")
    assert done not in page(pages, "/runs?state=waiting")
    assert done in page(pages, f"/runs?deployment={HELLO}&tag=seeded")
    assert "No run fits" in page(pages, "/runs?tag=nobody")


def test_runs_come_in_pages(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    made = {seeds.waiting() for _ in range(60)}

    first = page(pages, "/runs")
    older = re.search(r'href="(/runs\?before=[^"]+)"', first)
    assert older is not None
    second = page(pages, older[1])

    on_first, on_second = (
        {run for run in made if f'value="{run}"' in text} for text in (first, second)
    )
    assert on_first | on_second == made
    assert not on_first & on_second


def test_a_run_that_failed(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    seeds.log(claimed, "almost there")
    seeds.log(claimed, "no more space", level="ERROR")
    error = {"type": "OSError", "message": "full", "traceback": "Traceback ...\nOSError: full"}
    run_id = seeds.finish(claimed, State.FAILED, error=json.dumps(error))

    shown = page(pages, f"/runs/{run_id}")

    assert "OSError: full" in shown
    assert "almost there" in shown
    assert "almost there" not in page(pages, f"/runs/{run_id}?level=ERROR")
    assert "no more space" not in page(pages, f"/runs/{run_id}?q=almost")
    assert "seeded-host" in shown
    assert "Retry with changes" in shown


def test_a_log_as_a_file(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    seeds.log(claimed, *(f"line {number}" for number in range(1200)))

    answer = pages.get(f"/runs/{claimed.run_id}/log.txt")

    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.body.splitlines()) == 1200


def test_a_long_log_in_parts(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    for start in range(0, 1200, 100):
        seeds.log(claimed, *(f"line {number};" for number in range(start, start + 100)))
    place = f"/runs/{claimed.run_id}"

    shown = page(pages, place)
    assert "line 1199;" in shown
    assert "line 600;" not in shown
    first = re.search(r'data-first="([^"]+)"', shown)
    assert first is not None
    before = page(pages, f"{place}/log?before={first[1]}")
    assert "line 600;" in before
    assert "line 1199;" not in before
    after = page(pages, f"{place}/log?after=0-0")
    assert "line 0;" in after
    assert "data-more" in after


def test_a_deployment(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(
        schedules=(EVERY_HOUR,),
        description="# What\nIt **greets**. ![x](http://elsewhere/x.png)\n\nArgs:\n    name: who",
        tags=("demo",),
    )
    seeds.finish(seeds.running())

    shown = page(pages, f"/deployments/{HELLO}")

    assert "<strong>greets</strong>" in shown
    assert "x.png" not in shown
    assert "every 1h" in shown
    assert "rect" in shown, "the chart of its runs"
    assert "Comes next" in shown


def test_what_was_served_under_a_name(pages: Served, seeds: Seeds) -> None:
    for number in range(8):
        seeds.deployment(version=f"v{number}")
    claimed = seeds.running()

    newest = page(pages, f"/deployments/{HELLO}")
    assert "version v6 -&gt; v7" in newest
    assert "v1 -&gt; v2" not in newest
    every = page(pages, f"/deployments/{HELLO}/versions")
    assert "v1 -&gt; v2" in every
    assert "first registered" in every
    assert f'href="/deployments/{HELLO}/versions"' in page(pages, f"/runs/{claimed.run_id}")


def test_runners_with_different_code(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    for runner, content in (("one", "a" * 64), ("two", "b" * 64), ("three", "")):
        code = ServedCode(
            source="the script", commit=None, content_hash=content, trouble=None, misfit=None
        )
        seeds.runner(RunnerId(runner), host=f"host-{runner}", code={HELLO: code})

    for place in ("/runners", f"/deployments/{HELLO}"):
        shown = page(pages, place)
        assert "different code loaded (aaaaaaaaaaaa on host-one, bbbbbbbbbbbb on host-two)" in shown


def test_deployments_are_searched(pages: Served, seeds: Seeds) -> None:
    seeds.deployment("hello/first", tags=("a",))
    seeds.deployment("other/second", tags=("b",))

    assert "other/second" not in page(pages, "/deployments?q=HELL")
    assert "hello/first" not in page(pages, "/deployments?tag=b")
    assert "No deployment fits" in page(pages, "/deployments?q=nobody")


def test_what_a_runner_executes(pages: Served, seeds: Seeds) -> None:
    """Each beside its own runner, the newest first, and how many more."""
    seeds.deployment()
    (idle,) = claims_as(seeds, RunnerId("other"), 1)
    busy = claims_as(seeds, RunnerId("busy"), 120)
    waits = seeds.waiting()
    seeds.runner(RunnerId("busy"), host="a", running=120)
    seeds.runner(RunnerId("other"), host="b", running=1)

    shown = page(pages, "/runners")

    assert waits not in shown
    upper, lower = shown[: shown.index("<h2>b<")], shown[shown.index("<h2>b<") :]
    linked = [run_id for run_id in busy if f'href="/runs/{run_id}"' in upper]
    assert len(linked) == MOST_SHOWN
    assert f"and {len(busy) - MOST_SHOWN} more" in upper
    assert re.findall(r'href="/runs/([a-z0-9-]+)"', lower) == [idle]
    assert not re.search(r"and -?\d+ more", lower)


def claims_as(seeds: Seeds, runner: RunnerId, count: int) -> list[RunId]:
    """So many runs, claimed by this runner."""
    d = deployment_id(HELLO)
    seeds.store.call(register_runner(d, runner, "{}"))
    for _ in range(count):
        seeds.waiting()
    asked = claim_runs(
        d, runner=runner, host="h", version="1", nonce=new_nonce(), count=count, lease_ms=600_000
    )
    return [claimed.run_id for claimed in seeds.store.call(asked).runs]


def test_a_runner_whose_host_lacks_something(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    seeds.runner(lacks="its host has no memory left")
    assert "Its host has no memory left" in page(pages, "/runners")


def test_runners_of_two_versions(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    seeds.runner()
    seeds.runner(RunnerId("other-runner"), version="0.2.0", host="other-host")

    shown = page(pages, "/runners")

    assert "seeded-host" in shown
    assert "other-host" in shown
    assert "different versions" in shown


@pytest.mark.parametrize(
    "place",
    [
        "/runs/none",
        "/runs/aaaaaaaaaaaa-000000000000000000000",
        "/deployments/no/such",
        "/deployments/no/such/run",
        "/deployments/no/such/schedules",
        "/runs/aaaaaaaaaaaa-000000000000000000000/log",
    ],
)
def test_what_is_not_there(pages: Served, place: str) -> None:
    assert "not found" in page(pages, place, 404)


def test_everything_that_a_page_loads_is_ours(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    shown = page(pages, f"/deployments/{HELLO}")

    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', shown)
    assert loaded
    for address in {each.partition("#")[0] for each in loaded}:
        answer = pages.get(address)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
    assert not re.search(r"<script(?! type=\"module\" src=)", shown)
    assert not re.search(r'\s(?:style|on\w+)="', shown), "the policy forbids what is inline"


def test_a_server_that_is_away() -> None:
    server = Server().start()
    with serving(server.url) as pages:
        server.stop()
        assert "Try again" in page(pages, "/", 503)


def test_code_from_a_storage(pages: Served, seeds: Seeds) -> None:
    """Which commit serves, and why it is not the newest: markup in a message stays text."""
    seeds.deployment(source="https://example.org/flows.git (branch main)")
    code = ServedCode(
        source="https://example.org/flows.git (branch main)",
        commit="c0ffee",
        content_hash="d" * 64,
        trouble="it does not answer <script>",
        misfit="day is gone",
    )
    seeds.runner(code={HELLO: code})

    shown = page(pages, f"/deployments/{HELLO}")

    assert "https://example.org/flows.git (branch main)" in shown
    assert "commit c0ffee, content dddddddddddd" in shown
    assert "it does not answer &lt;script&gt;" in shown
    assert "takes other parameters than are registered: day is gone" in shown
