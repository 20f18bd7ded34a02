"""``orchestrator run pause|resume|retry|delete|explain``, and several runs in one command."""

from __future__ import annotations

import pytest

from orchestrator.model.ids import deployment_id, idempotent_run_id
from orchestrator.model.states import State
from orchestrator.store.leases import release_run
from tests.cli.seeds import HELLO, RUNNER, Seeds
from tests.cli.terminal import Terminal

UNKNOWN = idempotent_run_id(deployment_id(HELLO), "of no run")


def test_pause_and_resume(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.running(HELLO).run_id

    paused = terminal.call("run", "pause", run_id)
    again = terminal.call("run", "pause", run_id, "-o", "json")
    resumed = terminal.call("run", "resume", run_id)
    running = terminal.call("run", "resume", run_id, "-o", "json")

    assert (paused.code, "is Paused" in paused.out) == (0, True)
    assert (again.code, again.document["state"]) == (0, "Paused")
    assert (resumed.code, "is Running" in resumed.out) == (0, True)
    assert (running.code, running.document["state"]) == (0, "Running")


def test_a_pause_is_shown_and_ended_when_its_host_was_lost(
    terminal: Terminal, seeds: Seeds
) -> None:
    seeds.deployment(HELLO)
    claimed = seeds.running(HELLO)
    run_id = claimed.run_id
    terminal.call("run", "pause", run_id)
    who = terminal.call("run", "inspect", run_id, "-o", "json").document["paused_by"]
    seeds.store.call(release_run(run_id, claimed.token, "its host shut down"))

    page, why = terminal.call("run", "inspect", run_id), terminal.call("run", "explain", run_id)
    again, resumed = terminal.call("run", "pause", run_id), terminal.call("run", "resume", run_id)

    assert [line for line in page.out.splitlines() if line.split()[:2] == ["Paused", "by"]]
    assert f"{who} has paused it: it waits to be resumed." in why.out
    assert f"`orchestrator run resume {run_id}` lets it go on." in why.out
    assert (again.code, "is Scheduled: it waits to be resumed." in again.out) == (0, True)
    assert "is Scheduled: it begins when its turn comes." in resumed.out
    assert terminal.call("run", "resume", run_id).code == 1


def test_what_does_not_run_is_not_paused(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    done, waiting = seeds.finish(seeds.running(HELLO)), seeds.waiting(HELLO)

    for verb, why in (("pause", "only a running one"), ("resume", "nobody has paused it")):
        over, early = terminal.call("run", verb, done), terminal.call("run", verb, waiting)
        assert (over.code, over.out, "already Completed" in over.err) == (1, "", True)
        assert (early.code, early.out, why in early.err) == (1, "", True)


def test_several_runs_at_once(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    first, second, third = (seeds.waiting(HELLO) for _ in range(3))

    both = terminal.call("run", "cancel", first, second, first, "-o", "json")
    text = terminal.call("run", "cancel", UNKNOWN, third)

    assert both.code == 0
    assert [run["id"] for run in both.document] == [first, second]
    assert {run["state"] for run in both.document} == {"Cancelled"}
    assert (text.code, f"no run '{UNKNOWN}'" in text.err) == (1, True)
    assert f"({third}) is Cancelled." in text.out, "a refusal keeps no other from its turn"


def test_delete(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    done, waiting = seeds.finish(seeds.running(HELLO)), seeds.waiting(HELLO)

    answer = terminal.call("run", "delete", done, waiting)

    assert (answer.code, f"({done}) was deleted." in answer.out) == (1, True)
    assert f"run {waiting} is Scheduled: wait for its end, or cancel it first" in answer.err
    left = terminal.call("run", "ls", "-o", "json").document
    assert [run["id"] for run in left] == [waiting]
    terminal.call("run", "cancel", waiting)
    assert terminal.call("run", "delete", waiting, "-o", "json").document["id"] == waiting


def test_retry(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.waiting(HELLO, times=2)
    claimed = seeds.claim(HELLO)
    assert claimed is not None
    failed = seeds.finish(claimed, State.FAILED)

    same = terminal.call("run", "retry", failed, "-o", "json").document
    other = terminal.call("run", "retry", failed, "-p", "name=Eve", "-o", "json").document
    text = terminal.call("run", "retry", failed)
    page = terminal.call("run", "inspect", failed).out

    assert (same["parameters"], same["retry_of"], same["state"]) == (
        {"times": 2}, failed, "Scheduled",
    )  # fmt: skip
    assert set(same["tags"]) == {"seeded"}
    assert same["name"].startswith("run-")
    assert other["parameters"] == {"name": "Eve", "times": 2}
    assert text.code == 0
    newest = terminal.call("run", "inspect", failed, "-o", "json").document
    assert newest["state"] == "Failed"
    assert newest["retried_as"] in text.out
    assert newest["retried_as"] in page


@pytest.mark.parametrize("words", [["-p", "times=many"], ["-p", "nmae=Ada"]])
def test_a_retry_with_wrong_parameters(terminal: Terminal, seeds: Seeds, words: list[str]) -> None:
    seeds.deployment(HELLO)
    done = seeds.finish(seeds.running(HELLO))

    answer = terminal.call("run", "retry", done, *words)

    assert (answer.code, answer.out) == (2, "")
    assert len(terminal.call("run", "ls", "-o", "json").document) == 1


def test_an_open_run_is_not_retried(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    waiting = seeds.waiting(HELLO)

    answer = terminal.call("run", "retry", waiting)

    assert (answer.code, answer.out, "is Scheduled" in answer.err) == (1, "", True)


def test_a_retry_can_be_watched(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    failed = seeds.finish(seeds.running(HELLO), State.FAILED)
    watching = terminal.start("run", "retry", failed, "--watch")
    assert watching.stdout is not None
    assert "Run " in watching.stdout.readline()
    claimed = seeds.claim(HELLO)
    assert claimed is not None
    seeds.finish(claimed, State.CRASHED)

    _, errors = watching.communicate(timeout=30)
    assert watching.returncode == 1
    assert "ended as Crashed" in errors


def test_explain(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    run_id = seeds.waiting(HELLO)

    text = terminal.call("run", "explain", run_id)
    seeds.runner(RUNNER, running=4)
    data = terminal.call("run", "explain", run_id, "-o", "json")

    assert (text.code, text.err) == (0, "")
    assert text.lines[0].endswith(f"({run_id}) of {HELLO} is Scheduled.")
    assert text.lines[1] == f"No runner serves {HELLO}: start one, and it runs."
    assert data.document == {
        "id": run_id,
        "state": "Scheduled",
        "code": "runners_busy",
        "sentence": "The runner has no free slot: 4 of 4 are in use.",
        "notes": [],
    }
