"""What is done from the pages: it is done, it is said, and a second person is told the truth."""

from __future__ import annotations

import pytest

from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.model.trigger import TriggerDefinition
from orchestrator.store.leases import release_run
from orchestrator.store.listing import list_runs
from orchestrator.store.runs import read_run
from orchestrator.store.wanted import Wanted
from tests.api.serving import Served
from tests.cli.seeds import EVERY_HOUR, HELLO, RUNNER, Seeds
from tests.ui.browsing import act, page, send

PLACE = f"/deployments/{HELLO}"


def state_of(seeds: Seeds, run_id: str) -> State:
    run = seeds.store.call(read_run(RunId(run_id)))
    assert run is not None
    return run.state


def test_a_form_without_script_leads_to_a_page_that_tells(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.waiting()

    answer = send(pages, f"/runs/{run_id}/cancel")

    assert answer.status == 303
    assert answer.headers["location"] == f"/runs/{run_id}"
    cookie = answer.headers["set-cookie"].partition(";")[0]
    shown = pages.get(f"/runs/{run_id}", headers={"Cookie": cookie}).body.decode()
    assert "is Cancelled" in shown
    assert state_of(seeds, run_id) is State.CANCELLED


def test_cancelling_what_another_person_has_cancelled(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.waiting()
    assert act(pages, f"/runs/{run_id}/cancel") == (True, f"{'run-' + run_id[-4:]} is Cancelled.")

    done, said = act(pages, f"/runs/{run_id}/cancel")

    assert not done
    assert "already Cancelled" in said


def test_pausing_and_resuming_a_run(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.running().run_id

    assert act(pages, f"/runs/{run_id}/pause")[0]
    assert state_of(seeds, run_id) is State.PAUSED
    assert "Resume" in page(pages, f"/runs/{run_id}")
    assert act(pages, f"/runs/{run_id}/resume")[0]
    assert state_of(seeds, run_id) is State.RUNNING


def test_resuming_a_run_whose_host_was_lost(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    claimed = seeds.running()
    act(pages, f"/runs/{claimed.run_id}/pause")
    seeds.store.call(release_run(claimed.run_id, claimed.token, "its host shut down"))

    shown = page(pages, f"/runs/{claimed.run_id}")
    assert "has paused it: it waits to be resumed" in shown
    assert "Resume" in shown
    assert act(pages, f"/runs/{claimed.run_id}/resume") == (
        True,
        f"run-{claimed.run_id[-4:]} is Scheduled: it begins when its turn comes.",
    )
    assert "Resume" not in page(pages, f"/runs/{claimed.run_id}")


def test_deleting_an_open_run_is_refused(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.running().run_id

    done, said = act(pages, f"/runs/{run_id}/delete")

    assert not done
    assert "cancel it first" in said


def test_many_are_cancelled_at_once(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    over, waiting = seeds.finish(seeds.running()), seeds.waiting()

    done, said = to_many(pages, "cancel", waiting, over)

    assert not done
    assert "1 run cancelled" in said
    assert "already" in said
    assert state_of(seeds, waiting) is State.CANCELLED


def test_many_are_asked_for_again_at_once(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    over = [seeds.finish(seeds.running()), seeds.finish(seeds.running(), State.FAILED)]
    running = seeds.running().run_id

    done, said = to_many(pages, "retry", *over, running)

    assert not done
    assert "2 runs asked for again" in said
    assert running in said
    made = {run.retry_of for run in seeds.store.follow(list_runs(10, Wanted(deployment=HELLO)))}
    assert made == {*over, None}


def test_many_are_deleted_at_once(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    over = [seeds.finish(seeds.running()), seeds.finish(seeds.running())]
    waiting = seeds.waiting()

    assert to_many(pages, "delete", *over, over[0]) == (True, "2 runs deleted.")
    done, said = to_many(pages, "delete", waiting, over[0])

    assert not done
    assert "0 runs deleted" in said
    assert "cancel it first" in said
    assert "no run" in said
    assert [seeds.store.call(read_run(run_id)) for run_id in over] == [None, None]
    assert state_of(seeds, waiting) is State.SCHEDULED


def to_many(pages: Served, act: str, *ids: str) -> tuple[bool, str]:
    """Do it to these runs: whether all went well, and what the page says."""
    answer = pages.post(
        "/runs/bulk",
        "&".join([f"act={act}", *(f"id={each}" for each in ids)]).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "Origin": pages.url,
        },
    )
    return answer.document["ok"], answer.document["text"]


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [("pause", "resume", "Paused"), ("hold", "release", "Held")],
)
def test_a_deployment_stops_and_goes_on(
    pages: Served, seeds: Seeds, first: str, second: str, word: str
) -> None:
    seeds.deployment()

    assert act(pages, f"{PLACE}/do/{first}")[0]
    assert f"</svg>{word}</span>" in page(pages, PLACE)
    assert act(pages, f"{PLACE}/do/{second}")[0]
    assert f"</svg>{word}</span>" not in page(pages, PLACE)


def test_a_schedule_stops_goes_on_and_goes(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(schedules=(EVERY_HOUR,))
    place = f"{PLACE}/schedules/hourly/do"

    assert act(pages, f"{place}/pause") == (True, "Schedule hourly is paused.")
    assert act(pages, f"{place}/resume")[0]
    assert act(pages, f"{place}/delete")[0]
    done, said = act(pages, f"{place}/delete")
    assert not done
    assert "no schedule" in said


def test_a_trigger_stops_and_goes_on(pages: Served, seeds: Seeds) -> None:
    trigger = TriggerDefinition(name="on door", expect=("door.opened",), threshold=2)
    seeds.deployment(triggers=(trigger,))
    place = f"{PLACE}/triggers/do"

    assert "on door" in page(pages, PLACE)
    assert act(pages, f"{place}/disable", name="on door")[0]
    assert "Disabled" in page(pages, PLACE)
    assert act(pages, f"{place}/enable", name="on door")[0]
    assert "Disabled" not in page(pages, PLACE)
    assert not act(pages, f"{place}/enable", name="no such")[0]


def test_a_runner_is_told_to_leave(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    seeds.runner()

    assert act(pages, f"/runners/{RUNNER}/drain")[0]
    assert "Leaving" in page(pages, "/runners")


def test_a_page_of_another_site_can_do_nothing(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    run_id = seeds.waiting()

    answer = pages.post(
        f"/runs/{run_id}/cancel", b"", headers={"Origin": "http://elsewhere", "Accept": "text/html"}
    )

    assert answer.status == 403
    assert state_of(seeds, run_id) is State.SCHEDULED


def test_nobody_is_led_elsewhere(pages: Served, seeds: Seeds) -> None:
    for place in ("//elsewhere", "/\\elsewhere", "https://elsewhere", "javascript:1"):
        answer = send(pages, "/settings/theme", theme="dark", back=place)
        assert answer.headers["location"] == "/"
        assert "orchestrator_theme=dark" in str(answer.headers)
