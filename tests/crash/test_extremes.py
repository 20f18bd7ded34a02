"""Much more than usual: output, starts and stops; a full disk; being process 1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import Client
from orchestrator.model.states import State
from orchestrator.store.runs import delete_run
from tests.runner.parts import part
from tests.runner.serving import Place, definition
from tests.support import Server, eventually
from tests.support.keyspace import open_client
from tests.support.processes import children, gone, is_gone, scripts, tree

LONG = 120.0
REASONS = (part("logs").FULL, part("logs").AWAY)
MiB = 1024 * 1024


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    yield place
    place.end()


CONTAINED = ["--fork", "--pid", "--mount-proc", "--kill-child"]
ENTER = ["--pid", "--mount"]
if os.geteuid() != 0:
    CONTAINED.append("--map-root-user")
    ENTER += ["--user", "--preserve-credentials"]


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def peak_bytes(pid: int) -> int:
    """The most memory that a living process had at once."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def told(texts: list[str]) -> tuple[list[str], int]:
    """Lines of a log, and how many its markers say are missing: the log was full, or the server
    could not keep up."""
    kept = [text for text in texts if not text.endswith(REASONS)]
    return kept, sum(int(text.split()[0]) for text in texts if text.endswith(REASONS))


@pytest.mark.long
def test_F72_100_megabytes_of_log_are_the_first_and_the_last_lines(place: Place) -> None:
    place.flows("@flow\ndef work():\n    for n in range(1_000_000): print(f'{n:<99}')\n")
    runner = place.start()
    before = peak_bytes(runner.pid)
    run = place.ended(place.submit(), within=LONG)
    assert run.state is State.COMPLETED
    kept, dropped = told(place.texts(run.id))
    numbers = list(map(int, kept))
    assert len(numbers) + dropped == 1_000_000, "each gap counts what is missing (I20)"
    assert numbers == sorted(numbers)
    assert numbers[-100:] == list(range(999_900, 1_000_000))
    assert peak_bytes(runner.pid) - before < 50 * MiB, "it holds no more than what it keeps"


@pytest.mark.long
def test_F72_a_line_of_50_megabytes_without_an_end(place: Place) -> None:
    place.flows("@flow\ndef work():\n    sys.stdout.write('x' * 50_000_000)\n")
    runner = place.start()
    before = peak_bytes(runner.pid)
    run = place.ended(place.submit(), within=LONG)
    assert run.state is State.COMPLETED
    pieces, dropped = told(place.texts(run.id))
    longest = max(map(len, pieces))
    assert longest <= 16 * 1024
    assert len(pieces) + dropped == -(-50_000_000 // longest)
    assert peak_bytes(runner.pid) - before < 50 * MiB


def test_a_runner_whose_own_words_have_no_room_goes_on(place: Place) -> None:
    """As when the disk is full that its log goes to."""
    place.flows("@flow\ndef work():\n    return 7\n")
    place.deploy(definition())
    runner = place.launch(place.spec(banner=True).to_json(), output=Path("/dev/full"))
    assert place.ended(place.submit(), within=60).result == 7
    assert place.ended(place.submit(), within=60).result == 7
    assert runner.drain() == 0


def test_F70_as_process_1_it_buries_strangers_and_drains(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return os.getppid()\n")
    runner = place.launch(place.spec().to_json(), before=["unshare", *CONTAINED])
    eventually(lambda: "Serving." in runner.output, within=60)
    (first,) = children(runner.pid)
    assert f"NSpid:\t{first}\t1\n" in Path(f"/proc/{first}/status").read_text()
    orphans = "(sleep 0.01 & sleep 0.01 &)"
    subprocess.run(["nsenter", f"--target={first}", *ENTER, "sh", "-c", orphans], check=True)
    run = place.ended(place.submit(), within=60)
    assert run.state is State.COMPLETED
    (spawner,) = eventually(lambda: only_living(first), within=60, why="strangers are buried")
    os.kill(first, signal.SIGTERM)
    assert runner.ends(within=60) == 0
    gone([first, spawner])


CONTAINER = """
import subprocess
from orchestrator import flow

@flow
def work():
    return 7

if __name__ == "__main__":
    own = subprocess.Popen(["sh", "-c", "exit 3"])
    work.serve("test")
    print("its own child ended with", own.wait())
"""


def test_F70_a_script_that_is_process_1_buries_strangers_and_not_its_own(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "flows.py").write_text(CONTAINER)
    with (
        scripts(tmp_path, ORCHESTRATOR_REDIS_URL=server.url) as starter,
        Client(server.url) as client,
    ):
        script = starter.command("unshare", *CONTAINED, sys.executable, "flows.py")
        eventually(lambda: [each for each in client.deployments() if each.runners], within=60)
        (first,) = children(script.pid)
        orphans = "(sleep 0.01 & sleep 0.01 &)"
        subprocess.run(["nsenter", f"--target={first}", *ENTER, "sh", "-c", orphans], check=True)
        run = client.create_run("work/test")
        assert client.wait_for_run(run.id, timeout=60).result == 7
        eventually(
            lambda: sorted(map(is_gone, children(first))) == [False, True],
            within=60,
            why="its runner, and its own child whose end it will ask for",
        )
        os.kill(first, signal.SIGTERM)
        assert script.ends(within=60) == 0
        assert "its own child ended with 3" in script.output


def only_living(pid: int) -> list[int] | None:
    """The children, once there is a single one and no zombie."""
    found = children(pid)
    return found if len(found) == 1 and not is_gone(found[0]) else None


@pytest.mark.long
def test_I17_500_runs_leave_nothing_behind(place: Place) -> None:
    """Not in the runner, not in its spawner, not on the server."""
    place.flows("@flow\ndef work(n):\n    subprocess.Popen(['true'])\n    return n\n")
    runner = place.start(limit=8)
    spawner = runner.spawner
    client = open_client(place.server.url)

    def counted() -> tuple[int, int, int]:
        """Descriptors, processes and keys."""
        opened = descriptors(runner.pid) + descriptors(spawner)
        return opened, len(tree(runner.pid)), len(client.keys())

    def many(count: int) -> None:
        asked = [place.submit(n=n) for n in range(count)]
        results = [place.ended(run_id, within=LONG).result for run_id in asked]
        assert results == list(range(count))
        for run_id in asked:
            place.store.call(delete_run(run_id))

    many(50)  # by now it has its connections, and a process that waits for the next run
    opened, processes, keys = counted()
    many(450)
    eventually(lambda: counted()[1:] == (processes, keys), why=f"{counted()} as {processes, keys}")
    assert counted()[0] <= opened + 4, "a connection more, but none for each run"
    client.close()
