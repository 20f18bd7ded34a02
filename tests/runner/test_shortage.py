"""A host with no processes or descriptors left: no run pays for that."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

from orchestrator.model.ids import RunId
from orchestrator.model.states import State
from orchestrator.store.runners import read_runners
from tests.runner.parts import part
from tests.runner.serving import Place, Runner
from tests.support import eventually
from tests.support.processes import children

WORKS = """
@flow
def work():
    return current_run().attempt
"""
WAITS = """
@flow
def work():
    Path("began").write_text("yes")
    while not Path("go").exists():
        time.sleep(0.01)
    return current_run().attempt
"""
HOOK = """
def note(flow, run, state):
    Path("hooked").write_text(state.name)

@flow(on_crashed=[note])
def work():
    time.sleep(60)
"""
NONE, MANY = 1, 1024
SOMEBODY = f"--reuid={100_000 + os.getpid()}"
"""The limit on processes holds for each user, but not for root."""


def allow_descriptors(pid: int, most: int) -> None:
    """From now on that process may have so many."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))


def few_left(pid: int) -> int:
    """A limit that leaves it some descriptors, but fewer than it keeps for itself."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir())) + 8


def allow_processes(pid: int, most: int) -> None:
    """From now on it can fork while its user has fewer."""
    setting = ["prlimit", "--pid", str(pid), f"--nproc={most}:"]
    subprocess.run(["setpriv", SOMEBODY, *setting] if os.getuid() == 0 else setting, check=True)


def lacks(place: Place) -> str | None:
    """What its one runner says."""
    (record,) = place.store.follow(read_runners())
    return record.lacks


def went_back(place: Place, run_id: RunId) -> None:
    """Return when the run was refused and waits again, and its runner says so."""
    eventually(lambda: place.run(run_id).reason, why="refused")
    eventually(lambda: lacks(place), why="told")


def completed_untouched(place: Place, *runs: RunId) -> None:
    """Return when they have completed; no attempt, retry or recovery was spent."""
    for run_id in runs:
        run = place.ended(run_id)
        assert (run.state, run.result) == (State.COMPLETED, 1), run
        assert all(step.attempt <= 1 for step in run.history)
    eventually(lambda: lacks(place) is None, why="told that it is over")


def as_somebody(place: Place) -> Runner:
    """A runner that the limit on processes holds for; the files of root are open to it."""
    if os.getuid() != 0:
        return place.start()
    before = ["setpriv", SOMEBODY, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    runner = place.launch(place.spec().to_json(), before=before)
    eventually(lambda: "Serving." in runner.output, why="serving")
    return runner


def test_without_processes_runs_wait_and_spend_nothing(place: Place) -> None:
    place.flows(WORKS)
    runner = as_somebody(place)
    allow_processes(runner.spawner, NONE)
    runs = [place.submit() for _ in range(3)]  # for one of them a process is there already
    eventually(lambda: lacks(place), why="told")
    assert lacks(place) == "its host has no processes left"
    assert runner.output.count("This host refuses a process") == 1
    allow_processes(runner.spawner, MANY)
    completed_untouched(place, *runs)


def test_without_processes_a_spawner_that_died_is_replaced_when_there_are_some(
    place: Place,
) -> None:
    place.flows(WORKS)
    runner = as_somebody(place)
    allow_processes(runner.pid, NONE)
    os.kill(runner.spawner, signal.SIGKILL)
    eventually(lambda: "A spawner could not be started." in runner.output, why="none")
    run_id = place.submit()
    allow_processes(runner.pid, MANY)
    completed_untouched(place, run_id)


def test_without_descriptors_what_has_begun_goes_on(place: Place) -> None:
    place.flows(WAITS)
    runner = place.start()
    running = place.submit()
    eventually(lambda: place.note("began"))
    allow_descriptors(runner.spawner, few_left(runner.spawner))
    waiting = [place.submit() for _ in range(3)]
    went_back(place, waiting[0])
    allow_descriptors(runner.spawner, MANY)
    (place.folder / "go").touch()
    completed_untouched(place, running, *waiting)


def test_a_runner_keeps_descriptors_for_itself(place: Place) -> None:
    place.flows(WORKS)
    runner = place.start()
    allow_descriptors(runner.pid, part("streams").RESERVE)
    run_id = place.submit()
    went_back(place, run_id)
    allow_descriptors(runner.pid, MANY)
    completed_untouched(place, run_id)


def test_hooks_wait_for_room_too(place: Place) -> None:
    place.flows(HOOK)
    runner = place.start()
    run_id = place.submit()
    process = place.in_state(run_id, State.RUNNING).pid
    assert process is not None
    eventually(lambda: children(runner.spawner) != [process], why="the next one is forked ahead")
    allow_descriptors(runner.spawner, few_left(runner.spawner))
    os.kill(process, signal.SIGKILL)
    eventually(lambda: lacks(place), why="told")
    assert place.note("hooked") == ""
    allow_descriptors(runner.spawner, MANY)
    eventually(lambda: place.note("hooked"), why="called")
    assert place.run(run_id).state is State.CRASHED


def test_a_host_has_no_more_runs_than_it_had_room_for() -> None:
    """And tries one more after each pause."""

    async def scene() -> None:
        roster, looked = SimpleNamespace(free=5, running=3), asyncio.Event()
        shortage = part("shortage").Shortage(roster, look=looked.set, changed=lambda: None)
        assert shortage.free_slots == 5
        shortage.met("no memory left")
        shortage.met("no memory left")
        assert shortage.free_slots == 0
        roster.free, roster.running = 6, 2
        assert shortage.free_slots == 1, "what fitted once fits again"
        roster.free, roster.running = 5, 3
        await looked.wait()
        assert shortage.free_slots == 1, "one is tried"
        shortage.passed()
        assert (shortage.why, shortage.free_slots) == (None, 1), "it took the place of another"
        roster.free, roster.running = 4, 4
        shortage.passed()
        assert (shortage.why, shortage.free_slots) == (None, 4)

    asyncio.run(scene())
