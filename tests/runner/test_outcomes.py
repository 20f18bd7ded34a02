"""What is written about an attempt, from what its process said and its spawner saw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.model.deployment import FlowOptions
from orchestrator.model.states import State
from orchestrator.store.leases import Outcome
from tests.runner.parts import part

outcomes = part("outcomes")
Ended, Fate, judge = outcomes.Ended, outcomes.Fate, outcomes.judge
OPTIONS = FlowOptions(retries=2, retry_delay_seconds=1.5, timeout_seconds=4)
TERMS = outcomes.Terms(OPTIONS, failures=0, retention_ms=1000)
CLEAN = Ended(exit=0)


def done(state: str, **fields: Any) -> dict[str, Any]:
    error = {"type": "ValueError", "message": "no", "traceback": "..."}
    given = {"result": None, "note": None, "error": error if state != "Completed" else None}
    return {"op": "done", "state": state, **given, **fields}


def judged(said: Any, ended: Any, fate: Any = None) -> Any:
    return judge(said, ended, fate, TERMS)


def test_what_the_process_said_is_what_is_written() -> None:
    outcome = judged(done("Completed", result="7", note="shortened"), CLEAN)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, outcome.result, outcome.reason) == (State.COMPLETED, "7", "shortened")
    assert (outcome.retries, outcome.retry_delay_ms, outcome.retention_ms) == (2, 1500, 1000)


def test_an_error_is_written_with_its_first_words_as_the_reason() -> None:
    outcome = judged(done("Failed"), CLEAN)
    assert (outcome.state, outcome.reason) == (State.FAILED, "ValueError: no")
    assert json.loads(outcome.error)["traceback"] == "..."


@pytest.mark.parametrize(("failures", "delay_ms"), [(0, 1000), (1, 2500), (2, 2500)])
def test_each_retry_has_its_delay(failures: int, delay_ms: int) -> None:
    options = FlowOptions(retries=9, retry_delay_seconds=(1, 2.5))
    terms = outcomes.Terms(options, failures, retention_ms=1000)
    assert judge(done("Failed"), CLEAN, None, terms).retry_delay_ms == delay_ms


def test_half_a_character_in_an_error_does_not_stand_in_the_way() -> None:
    error = {"type": "ValueError", "message": "half \ud800", "traceback": "\ud800"}
    outcome = judged(done("Failed", error=error), CLEAN)
    assert outcome.reason == "ValueError: half ?"
    assert outcome.error.isascii()


@pytest.mark.parametrize("fate", [Fate.CANCELLED, Fate.HANDED_BACK, None])
@pytest.mark.parametrize("stopped", [None, "cancel", "timeout", "drain"])
def test_a_run_that_completed_before_the_signal_has_completed(fate: Any, stopped: Any) -> None:
    assert judged(done("Completed"), Ended(exit=0, stopped=stopped), fate).state == "Completed"


@pytest.mark.parametrize("said", [None, done("Failed"), done("Cancelled")])
def test_a_stopped_run_ends_by_why_it_was_stopped(said: Any) -> None:
    killed = Ended(signal=9, stopped="cancel")
    assert judged(said, killed, Fate.CANCELLED).state is State.CANCELLED
    assert judged(said, killed, Fate.HANDED_BACK) == outcomes.HandBack()
    timed_out = judged(said, Ended(signal=15, stopped="timeout"))
    assert (timed_out.state, timed_out.reason) == (State.TIMED_OUT, "still running after 4 s")


def test_a_failure_that_was_told_before_the_stop_stays_a_failure() -> None:
    assert judged(done("Failed"), Ended(exit=0, stopped="drain")).state is State.FAILED


@pytest.mark.parametrize("stopped", [None, "drain"])
def test_who_ended_by_a_signal_that_nobody_sent_here_has_crashed(stopped: str | None) -> None:
    outcome = judged(done("Cancelled", signalled=True), Ended(exit=0, stopped=stopped))
    assert outcome.state is State.CRASHED
    assert outcome.reason == "killed by SIGTERM, which its runner did not send"
    assert json.loads(outcome.error)["traceback"] == "..."
    assert judged(done("Cancelled", signalled=False), CLEAN).state is State.CANCELLED


def test_a_signal_that_was_sent_here_is_no_stranger_s() -> None:
    said = done("Cancelled", signalled=True)
    assert judged(said, CLEAN, Fate.CANCELLED).state is State.CANCELLED
    assert judged(said, CLEAN, Fate.HANDED_BACK) == outcomes.HandBack()
    assert judged(said, Ended(exit=0, stopped="timeout")).state is State.TIMED_OUT


@pytest.mark.parametrize("said", [None, done("Completed")])
def test_I8_nothing_is_written_about_a_lost_lease(said: Any) -> None:
    assert judged(said, Ended(signal=9), Fate.LOST) == outcomes.Drop()


def test_a_run_whose_spawner_died_is_recovered_unless_it_had_ended() -> None:
    assert judged(None, None) == outcomes.Recover()
    assert judged(done("Completed"), None).state is State.COMPLETED


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (Ended(exit=3), "exit code 3"),
        (Ended(exit=0), "exit code 0"),
        (Ended(signal=11), "killed by SIGSEGV"),
        (Ended(signal=9), "killed by signal 9, possibly out of memory"),
        (Ended(signal=63), "killed by signal 63"),
    ],
)
def test_a_silent_death_is_a_crash_with_its_cause(ended: Any, reason: str) -> None:
    outcome = judge(None, ended, None, TERMS, ["last words"])
    assert (outcome.state, outcome.reason) == (State.CRASHED, reason)
    assert json.loads(outcome.error)["last_lines"] == ["last words"]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (
            Ended(signal=9, stopped="memory_limit", peak_bytes=700 * 1024**2),
            "over its memory_limit: its processes took 700 MiB, and 512 MiB are allowed",
        ),
        (
            Ended(signal=9, stopped="cpu_limit", cpu_seconds=2.513),
            "over its cpu_limit: its processes took 2.51 s of CPU, and 2.5 s are allowed",
        ),
    ],
)
def test_a_run_over_a_limit_has_crashed_and_names_it(ended: Any, reason: str) -> None:
    options = FlowOptions(memory_limit=512 * 1024**2, cpu_limit=2.5, retries=1)
    terms = outcomes.Terms(options, failures=0, retention_ms=1000)
    outcome = judge(None, ended, None, terms)
    assert (outcome.state, outcome.reason, outcome.retries) == (State.CRASHED, reason, 1)
    assert judge(done("Completed"), ended, None, terms).state is State.COMPLETED


def test_code_that_was_not_loaded_names_the_cause_in_one_line() -> None:
    outcome = outcomes.refused("Traceback ...\nImportError: no x\n", TERMS)
    assert (outcome.state, outcome.reason) == (State.CRASHED, "could not begin: ImportError: no x")
