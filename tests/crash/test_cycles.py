"""500 runners that come and go, in every way there is: what stays behind of them is counted."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.ids import RunId, deployment_id
from orchestrator.model.states import State
from orchestrator.store.runs import delete_run
from tests.runner.serving import NAME, Place, Runner
from tests.support import Server, eventually
from tests.support.keyspace import open_client

WAVES, AT_ONCE = 50, 10
LEASE, LONG = 3.0, 120.0
ALONE = (3, 1)
"""Processes of one runner, with its spawner and the process that waits for a run; runners."""
NEVER = -1
"""What the server says of a key that does not expire."""


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    yield place
    place.end()


def terminated(runner: Runner) -> None:
    runner.send(signal.SIGTERM)
    assert runner.ends(LONG) == 0


def interrupted(runner: Runner) -> None:
    runner.send(signal.SIGINT)
    assert runner.ends(LONG) == 0


def killed(runner: Runner) -> None:
    runner.send(signal.SIGKILL)
    assert runner.ends(LONG) == -signal.SIGKILL


def left_alone(runner: Runner) -> None:
    runner.script_dies()
    assert runner.ends(LONG) == 0


def killed_with_its_spawner(runner: Runner) -> None:
    """Nobody is left to report anything."""
    spawner = runner.spawner
    runner.send(signal.SIGSTOP)
    os.kill(spawner, signal.SIGKILL)
    killed(runner)


ENDS: list[Callable[[Runner], None]] = [
    terminated,
    interrupted,
    killed,
    left_alone,
    killed_with_its_spawner,
]


def opened(resident: Runner) -> int:
    """Descriptors, connections among them."""
    folders = [Path(f"/proc/{pid}/fd") for pid in (resident.pid, resident.spawner)]
    return sum(len(list(each.iterdir())) for each in folders)


def left(place: Place, client: Any) -> tuple[int, int, set[str]]:
    """Processes, registered runners, and keys but for those that expire (for an hour a killed
    runner is listed with what it last said of itself) and one that comes once, with the first run
    that is handed back."""
    keys = {key for key in client.scan_iter() if client.pttl(key) == NEVER}
    keys.discard(f"orc:{{{deployment_id(NAME)}}}:queue:first")
    return len(place.processes()), len(place.deployment().runners), keys


def is_serving(runner: Runner) -> bool:
    return "Serving." in runner.output


def wave(place: Place, number: int) -> list[RunId]:
    """Runners that come together, have something to do, and go, each in its way."""
    document = place.spec(lease_seconds=LEASE).to_json()
    runners = [place.launch(document) for _ in range(AT_ONCE)]
    for runner in runners:
        eventually(partial(is_serving, runner), within=LONG, every=0.05)
    asked = [place.submit() for _ in range(AT_ONCE)]
    for index, runner in enumerate(runners):
        ENDS[(number + index) % len(ENDS)](runner)
        runner.end()
    return asked


def over(place: Place, asked: list[RunId]) -> Counter[State]:
    """How these runs end; they are deleted then."""
    ends = Counter(place.ended(run_id, within=LONG).state for run_id in asked)
    for run_id in asked:
        place.store.call(delete_run(run_id))
    return ends


@pytest.mark.long
@pytest.mark.timeout(600)
def test_F13_500_starts_and_stops_leave_nothing_behind(place: Place) -> None:
    """No process, descriptor, connection, consumer or key (I17); and no run is lost (I1)."""
    place.flows("@flow\ndef work():\n    time.sleep(0.1)\n    return 7\n")
    resident = place.start(lease_seconds=LEASE)
    client = open_client(place.server.url)
    over(place, wave(place, 0))
    eventually(lambda: left(place, client)[:2] == ALONE, within=LONG, every=0.2, why="it is alone")
    keys, descriptors = left(place, client)[2], opened(resident)

    ends = over(place, [run_id for number in range(1, WAVES) for run_id in wave(place, number)])

    # A run whose runner was killed three times before has used up its recoveries.
    assert ends[State.COMPLETED] + ends[State.CRASHED] == ends.total()
    assert ends[State.CRASHED] < ends.total() / 100
    wanted = (*ALONE, keys)
    eventually(lambda: left(place, client) == wanted, within=LONG, every=0.2, why=f"{wanted} left")
    assert opened(resident) <= descriptors + 4, "a connection more, but none for each runner"
    consumers = client.xinfo_consumers(f"orc:{{{deployment_id(NAME)}}}:queue", "runners")
    assert len(consumers) <= 1 + 10
    client.close()
