"""The soak test itself: its judgement on made-up evidence, its faults, and its quick profile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from orchestrator.model.ids import RunId
from orchestrator.model.run import Run, run_from_hash
from orchestrator.model.states import FINAL, State
from orchestrator.store.scripts import script, script_names
from soak.attempts import Mark, attempts_of, read_marks
from soak.checker import judge
from soak.evidence import Evidence
from soak.figures import causes, figures, recoveries, refusals
from soak.fleet import Code
from soak.history import WALL_OFFSET_NS, Event, History
from soak.journal import Mark as JournalMark
from soak.load import Load
from soak.plan import SCHEDULERS, SERVER, plan
from soak.profile import FULL, QUICK, Profile
from soak.report import report

HOME = Path(__file__).resolve().parents[2]
BASE = 1_700_000_000_000
"""The wall clock (ms) at which the made-up trials begin; on CLOCK_MONOTONIC it is ``at(0)``."""


def at(ms: float) -> int:
    """CLOCK_MONOTONIC (ns), so many ms after the begin."""
    return int((BASE + ms) * 1e6) - WALL_OFFSET_NS


def a_run(*steps: tuple[int, State] | tuple[int, State, str], name: str = "sleeper/soak") -> Run:
    """A run with this history: (ms, state, reason)."""
    history = [
        [BASE + ms, state, number, "", reason[0] if reason else ""]
        for number, (ms, state, *reason) in enumerate(steps)
    ]
    fields = {
        "state": steps[-1][1],
        "deployment": name,
        "created_at": str(BASE + steps[0][0]),
        "scheduled_at": str(BASE + steps[0][0]),
        "ended_at": str(BASE + steps[-1][0]) if steps[-1][1] in FINAL else "",
        "history": "".join(json.dumps(line) + "\n" for line in history),
    }
    return run_from_hash(RunId("aaaaaaaaaaaa-1"), fields)


ENDED_MS = 900
RUN = a_run(
    (0, State.SCHEDULED), (1, State.PENDING), (2, State.RUNNING), (ENDED_MS, State.COMPLETED)
)


def mark(ms: float, kind: str, token: str = "1.a", pid: int = 7, detail: str = "") -> Mark:
    return Mark(RUN.id, token, int(token[0]), pid, kind, at(ms), detail)


ONCE = (mark(10, "begin"), mark(30, "tick"), mark(50, "end"))
TWICE = (
    mark(10, "begin"),
    mark(30, "tick"),
    mark(60, "begin", "2.b", 8),
    mark(80, "tick", "2.b", 8),
    mark(90, "end", "2.b", 8),
)


def evidence(*marks: Mark, run: Run = RUN, events: tuple[Event, ...] = ()) -> Evidence:
    return Evidence(
        accepted=[run.id],
        runs={run.id: run},
        attempts=attempts_of(marks or ONCE),
        events=events,
        calm_ms=BASE,
    )


def event(kind: str, began: float, ended: float, subject: str = RUN.id, **facts: object) -> Event:
    made = Event(kind=kind, subject=subject, began=at(began), ended=at(ended), answer="ok")
    return replace(made, **facts)  # type: ignore[arg-type]  # names are checked by replace


def broken(evidence: Evidence) -> set[str]:
    """The invariants that the checker finds violated."""
    return {violation.invariant for violation in judge(evidence)}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert broken(evidence(*TWICE)) == set()


def test_I1_an_accepted_run_without_record_or_end_is_lost() -> None:
    assert broken(replace(evidence(), runs={}, attempts={})) == {"I1"}
    assert broken(evidence(run=a_run((0, State.SCHEDULED), (2, State.RUNNING)))) == {"I1"}


@pytest.mark.parametrize(
    ("end", "error", "found"),
    [
        (State.CANCELLED, None, set()),
        (State.CRASHED, "FlowNotLoaded", set()),
        (State.CRASHED, "Crashed", set()),
        (State.CRASHED, "RunnerDied", {"I1"}),
        (State.COMPLETED, None, {"I1"}),
    ],
)
def test_I1_what_never_began_must_say_why(end: State, error: str | None, found: set[str]) -> None:
    steps = (0, State.SCHEDULED), (1, State.PENDING), (ENDED_MS, end)
    run = replace(a_run(*steps), error={"type": error} if error else None)
    trial = replace(evidence(run=run), attempts={})

    assert broken(trial) == found
    assert sum(figures(trial)["ended without having begun"].values()) == 1


def test_a_run_may_be_lost_between_the_leave_to_start_and_its_first_line() -> None:
    steps = (0, State.SCHEDULED), (1, State.PENDING), (2, State.RUNNING), (9, State.CRASHED)
    run = replace(a_run(*steps), error={"type": "RunnerDied"})

    assert broken(replace(evidence(run=run), attempts={})) == set()


def test_I4_a_tick_after_the_next_begin_is_an_overlap() -> None:
    assert broken(evidence(*TWICE, mark(61, "tick"))) == {"I4"}


def test_I4_a_host_that_was_suspended_may_say_a_last_word_when_it_goes_on() -> None:
    resumed = event("stop host", 40, 100, "host-0", pids=(7,))
    assert broken(evidence(*TWICE, mark(101, "tick"), events=(resumed,))) == set()
    long_after = mark(1200, "tick")
    over = replace(RUN, ended_at=BASE + 2000)
    assert broken(evidence(*TWICE, long_after, run=over, events=(resumed,))) == {"I4"}


def test_I4_nothing_executes_when_the_end_is_written() -> None:
    assert broken(evidence(*ONCE, mark(ENDED_MS + 100, "tick"))) == {"I4"}


def test_I4_a_run_suspended_just_before_its_first_line_may_begin_when_its_host_goes_on() -> None:
    resumed = event("stop host", 40, 100, "host-0", pids=(7,))
    late = mark(101, "begin"), mark(102, "held", detail=json.dumps(["S"]))
    later = mark(60, "begin", "2.b", 8), mark(120, "end", "2.b", 8)
    assert broken(evidence(*later, *late, events=(resumed,))) == set()
    assert broken(evidence(*later, *late)) == {"I4", "I5"}


@pytest.mark.parametrize(("states", "found"), [(["T", "dying"], set()), (["S", "T"], {"I4"})])
def test_I4_a_lock_may_be_held_by_what_is_stopped(states: list[str], found: set[str]) -> None:
    held = mark(60, "held", "2.b", 8, json.dumps(states))
    assert broken(evidence(*TWICE, held)) == found


def test_I5_a_token_begins_once_and_tokens_rise() -> None:
    assert broken(evidence(*ONCE, mark(55, "begin", pid=9))) == {"I5"}
    assert broken(evidence(mark(10, "begin", "3.c"), mark(60, "begin", "2.b", 8))) == {"I5"}


def test_I6_what_began_was_allowed_to_start() -> None:
    never = a_run((0, State.SCHEDULED), (1, State.PENDING), (ENDED_MS, State.CANCELLED))
    assert broken(evidence(run=never)) == {"I6"}


def test_I7_an_end_does_not_change() -> None:
    first = replace(RUN, state=State.FAILED)
    assert broken(replace(evidence(), finals={RUN.id: first})) == {"I7"}


def test_I9_nothing_begins_after_a_cancel_was_answered() -> None:
    cancelled = event("cancel", 1, 5, answer="Cancelled")
    assert broken(evidence(events=(cancelled,))) == {"I9"}
    started = a_run((0, State.SCHEDULED), (2, State.CANCELLING), (3, State.RUNNING))
    cancelling = event("cancel", 1, 5, answer="Cancelling")
    assert "I9" in broken(evidence(run=started, events=(cancelling,)))


def test_I10_nothing_starts_while_held() -> None:
    def hold(since: float, until: float) -> tuple[Event, ...]:
        ends = event("release", until, until + 5, "sleeper/soak")
        return event("hold", since - 5, since, "sleeper/soak"), ends

    assert broken(evidence(events=hold(-20, 100))) == {"I10"}
    assert broken(evidence(events=hold(10, 100))) == set()


def test_I11_attempts_are_counted() -> None:
    assert broken(evidence(run=replace(RUN, attempt=5))) == set()
    assert broken(evidence(run=replace(RUN, attempt=6))) == {"I11"}


def test_I16_nobody_is_left() -> None:
    assert broken(replace(evidence(), orphans=["process 1 is left"], zombies=1)) == {"I16"}


def scheduled(*seconds: float, events: tuple[Event, ...] = ()) -> Evidence:
    """A trial of 20 seconds in which these occurrences were made, each on time."""
    runs: dict[str, Run] = {}
    for number, second in enumerate(seconds):
        due = BASE + round(second * 1000)
        run_id = RunId(f"aaaaaaaaaaaa-{number}")
        made = replace(
            RUN, id=run_id, scheduled_at=due, created_at=due, created_by="schedule:second"
        )
        runs[run_id] = made
    return Evidence(accepted=[], runs=runs, events=events, calm_ms=BASE + 20_000)


def test_I2_I3_each_occurrence_is_made_once() -> None:
    assert broken(scheduled(*range(15))) == set()
    assert broken(scheduled(*range(15), 7)) == {"I2/I3"}
    assert broken(scheduled(*range(7), *range(8, 15))) == {"I2/I3"}


def test_I10_a_pause_leaves_out_what_is_due_in_it_and_nothing_is_made() -> None:
    pause = event("pause", 3100, 3200, "clock/soak"), event("resume", 5100, 5200, "clock/soak")
    assert broken(scheduled(0, 1, 2, 3, *range(6, 15), events=pause)) == set()
    assert broken(scheduled(0, 1, 2, 3, 4, *range(6, 15), events=pause)) == {"I2/I3"}


CUT = event("cut journal", 1000, 2100, "server", answer="20 bytes")
"""What was answered within may be forgotten."""


def test_a_run_may_be_gone_with_the_end_of_a_journal_and_in_no_other_way() -> None:
    def created(ms: float) -> Event:
        return event("create", ms - 5, ms, "key", answer=RUN.id)

    gone = replace(evidence(), runs={}, attempts={})
    assert broken(replace(gone, events=[CUT, created(1500)])) == set()
    assert broken(replace(gone, events=[CUT, created(900)])) == {"I1"}
    nothing_cut = replace(CUT, answer="")
    assert broken(replace(gone, events=[nothing_cut, created(1500)])) == {"I1"}


def test_an_end_a_cancel_and_a_hold_may_be_forgotten_too() -> None:
    first = replace(RUN, state=State.FAILED, ended_at=BASE + 1200)
    assert broken(replace(evidence(events=(CUT,)), finals={RUN.id: first})) == set()
    late = (mark(2200, "begin"), mark(2300, "end"))
    steps = [(0, State.SCHEDULED), (2190, State.PENDING), (2195, State.RUNNING)]
    run = a_run(*steps, (2400, State.COMPLETED))
    cancelled = event("cancel", 1100, 1200, answer="Cancelled")
    held = event("hold", 1100, 1200, "sleeper/soak"), event("release", 5000, 5100, "sleeper/soak")
    assert broken(evidence(*late, run=run, events=(CUT, cancelled, *held))) == set()
    assert broken(evidence(*late, run=run, events=(cancelled, *held))) == {"I9", "I10"}


def test_I4_the_owner_before_a_forgotten_recovery_goes_on_when_the_second_is_over() -> None:
    def trial(goes_on: float) -> Evidence:
        second = mark(1100, "begin", "2.b", 8), mark(1300, "tick", "2.b", 8)
        over = replace(RUN, ended_at=BASE + 5000)
        return evidence(*ONCE, *second, mark(goes_on, "tick"), run=over, events=(CUT,))

    assert broken(trial(2300)) == set()
    assert broken(trial(1200)) == {"I4"}
    assert broken(replace(trial(2300), events=())) == {"I4"}


def test_the_end_of_a_pause_may_be_forgotten() -> None:
    pause = event("pause", 300, 400, "clock/soak"), event("resume", 1100, 1200, "clock/soak")
    again = event("resume", 7100, 7200, "clock/soak")
    made = (0, *range(8, 15))
    assert broken(scheduled(*made, events=(*pause, CUT, again))) == set()
    assert broken(scheduled(*made, events=(*pause, again))) == {"I2/I3"}


def edited(*runs: tuple[int, float, float], events: tuple[Event, ...]) -> Evidence:
    """Runs of the schedule that people edit: (rule, made at, due at)."""
    made: dict[str, Run] = {}
    for number, (rule, created, due) in enumerate(runs):
        run_id = RunId(f"aaaaaaaaaaaa-{number}")
        made[run_id] = replace(
            RUN, id=run_id, created_by="schedule:edited", parameters={"rule": rule},
            created_at=BASE + round(created), scheduled_at=BASE + round(due),
        )  # fmt: skip
    return Evidence(accepted=[], runs=made, events=events, calm_ms=BASE)


def test_I2_a_rule_makes_runs_in_its_own_time_and_one_after_the_other() -> None:
    rules = (
        event("edit", 0, 10, "1", answer="on"),
        event("edit", 5000, 5100, "2", answer="off"),
        event("edit", 8000, 8100, "3", answer="on"),
    )
    assert broken(edited((1, 1010, 1000), (1, 2020, 2000), (3, 9010, 9000), events=rules)) == set()
    for wrong in ((1, 5200, 5000), (2, 6000, 6000), (3, 7900, 7000), (4, 9000, 9000)):
        assert broken(edited(wrong, events=rules)) == {"I2/I3"}
    assert broken(edited((1, 1010, 1000), (1, 3010, 3000), events=rules)) == {"I2/I3"}


def test_I8_faults_that_never_made_an_owner_lose_prove_nothing() -> None:
    stops = tuple(event("stop runner", 1, 2, "host-0") for _ in range(20))
    assert broken(evidence(events=stops)) == {"I8"}
    assert broken(replace(evidence(events=stops), refused={"outcome refused": 1})) == set()


def test_I17_descriptors_are_closed() -> None:
    assert broken(replace(evidence(), descriptors=["the runner holds 90"])) == {"I17"}


def test_a_journal_is_cut_within_what_was_written_last(tmp_path: Path) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.9.incr.aof").write_bytes(b"older")
    journal = folder / "appendonly.aof.10.incr.aof"
    journal.write_bytes(b"before")
    seen = JournalMark.now(tmp_path)
    assert seen.cut(Random(1)) == 0
    journal.write_bytes(b"before and after")
    taken = seen.cut(Random(1))
    assert taken > 0
    assert journal.read_bytes() == b"before and after"[:-taken]
    assert b"before" in journal.read_bytes()
    (folder / "appendonly.aof.11.incr.aof").write_bytes(b"written anew")
    assert seen.cut(Random(1)) == 0


def test_a_wrong_clock_is_wrong_in_turn_and_leaves_the_witness_its_own() -> None:
    folder = HOME / "scripts/lib/soak/wrong_clock"
    code = "import json, time; print(json.dumps([time.time(), time.time_ns(), time.monotonic()]))"
    before = time.time(), time.monotonic()
    answer = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, ns, monotonic = json.loads(answer.stdout)
    turn = int(monotonic) // 7 % 3 - 1
    assert before[1] < monotonic < time.monotonic()
    assert before[0] - 1 < seconds - 3600 * turn < time.time() + 1
    assert abs(ns / 1e9 - seconds) < 1


def test_who_has_enough_asks_for_nothing_more(tmp_path: Path) -> None:
    enough = threading.Event()
    enough.set()
    history = History(tmp_path / "history")
    load = Load(QUICK, 1, "unix:///nowhere", history, progress=lambda: 1.0, enough=enough)
    load.ask_for_runs()
    assert not load.accepted


def test_a_later_version_differs_in_every_script(tmp_path: Path) -> None:
    later = Code.later(tmp_path)
    words = "from orchestrator.store.scripts import script, script_names as names;"
    code = f"{words} print(*(script(name).sha for name in names()))"
    answer = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, **later.environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    ours = {script(name).sha for name in script_names()}
    theirs = set(answer.stdout.split())
    assert len(theirs) == len(ours)
    assert not theirs & ours


def test_a_recovery_takes_from_the_kill_to_the_next_begin() -> None:
    kill = event("kill runner", 40, 41, "host-0", pids=(7,))
    assert recoveries(evidence(*TWICE, events=(kill,)))["kill runner"].median == 0.02
    outage = event("kill server", 42, 50, "server")
    assert not recoveries(evidence(*TWICE, events=(kill, outage)))


def test_another_attempt_has_a_cause() -> None:
    recovered = a_run(
        (0, State.SCHEDULED), (2, State.RUNNING), (45, State.SCHEDULED, "its runner died"),
        (50, State.RUNNING), (99, State.COMPLETED),
    )  # fmt: skip
    assert causes(evidence(*TWICE, run=recovered)) == Counter({"its runner died": 1})


def test_writes_that_came_too_late_are_counted() -> None:
    left = "x INFO runner: A run left this runner. run_id=r deployment=d attempt=1 answer="
    lines = [f"{left}{end}" for end in ("ok", "lease_lost", "lease_lost state=Completed", "stale")]
    assert refusals("\n".join(lines)) == Counter(
        {
            "lease found lost by a beat or a start": 1,
            "outcome refused": 1,
            "hand-back or recovery refused": 1,
        }
    )


def test_a_report_shows_every_violation() -> None:
    bad = evidence(*TWICE, mark(61, "tick"))
    text = report(figures(bad), judge(bad))
    assert "| **executed at the same time** | **1** |" in text
    assert "I4: attempt 1 of aaaaaaaaaaaa-1 (token 1.a) executed 1.0 ms after" in text


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    whole = "r\t1.a\t1\t7\ttick\t5\t\n"
    (tmp_path / "marks").write_text(whole + whole[:9])
    assert [each.kind for each in read_marks(tmp_path / "marks")] == ["tick"]


@pytest.mark.parametrize("profile", [QUICK, FULL], ids=["quick", "full"])
def test_a_seed_decides_all_faults(profile: Profile) -> None:
    lanes = plan(profile, 7)
    assert lanes == plan(profile, 7) != plan(profile, 8)
    kinds = Counter(fault.kind for faults in lanes.values() for fault in faults)
    assert kinds == Counter(profile.faults)
    assert {fault.kind for fault in lanes[SERVER]} >= {"kill server", "stop server"}
    assert "kill scheduler" in {fault.kind for fault in lanes[SCHEDULERS]}


def test_the_full_profile_is_as_hard_as_promised() -> None:
    faults = FULL.faults
    assert FULL.runs >= 20_000
    assert faults["kill runner"] >= 500
    assert faults["kill scheduler"] >= 100
    assert faults["kill server"] >= 50
    assert faults["cut"] >= 200


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_runs_twice_at_once(tmp_path: Path) -> None:
    path = f"{HOME}:{HOME / 'scripts/lib'}"
    soak = subprocess.run(
        # One seed here, so that a red test can be repeated; new ones are for scripts/soak.
        [sys.executable, "-P", "-m", "soak", "--seed", "4", "--json", str(tmp_path / "figures")],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    sys.stdout.write(soak.stdout)  # the seed, and what was violated
    assert soak.returncode == 0
    seen = json.loads((tmp_path / "figures").read_text())
    gone = seen["runs accepted and gone with the end of a journal"]
    assert seen["runs accepted"] == seen["runs accepted and final"] + gone == QUICK.runs
    assert 0 < seen["runs that a later version wrote"] < QUICK.runs
    assert seen["runs of the schedule"] > 0
    assert sum(seen["faults"].values()) >= 20
    assert sum(seen["executed again, by cause"].values()) > 0, "the faults did not bite"
