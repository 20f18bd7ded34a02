"""What user code can do to its own process; the runner goes on, and nothing of it is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.states import State
from tests.runner.serving import Place, definition
from tests.support import Server
from tests.support.processes import gone


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    place = Place(server, tmp_path)
    yield place
    place.end()


ENDS = {
    "os._exit(3)": (State.CRASHED, "exit code 3"),
    "os.abort()": (State.CRASHED, "SIGABRT"),
    "os.kill(os.getpid(), signal.SIGSEGV)": (State.CRASHED, "SIGSEGV"),
    "os.killpg(0, signal.SIGKILL)": (State.CRASHED, "signal 9"),
    "os.killpg(0, signal.SIGTERM)": (State.CRASHED, "killed by SIGTERM, which its runner did not"),
    "os.killpg(0, signal.SIGHUP)": (State.CRASHED, "killed by SIGHUP"),
    "os.killpg(0, signal.SIGINT)": (State.FAILED, "KeyboardInterrupt"),
    "os.closerange(0, 1024); os._exit(4)": (State.CRASHED, "exit code 4"),
    "os.close(1); os.close(2)": (State.COMPLETED, ""),
    "os.chdir('/')": (State.COMPLETED, ""),
    "open('/dev/full', 'w', 1).write('x\\n')": (State.FAILED, "No space left on device"),
    "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); open('big', 'wb', 0).write(b'x')": (
        State.FAILED,
        "File too large",
    ),
}


@pytest.mark.parametrize(
    ("deed", "limit", "reason"),
    [
        ("kept = b'x' * 300_000_000", {"memory_limit": 150_000_000}, "over its memory_limit: "),
        ("sum(range(10**12))", {"cpu_limit": 0.2}, "over its cpu_limit: "),
    ],
)
def test_a_run_over_a_limit_crashes_and_tells_what_it_took(
    place: Place, deed: str, limit: dict[str, Any], reason: str
) -> None:
    place.flows(f"@flow\ndef work():\n    {deed}\n    time.sleep(600)\n")
    place.start(definition(**limit))
    run = place.ended(place.submit(), within=60)
    assert run.state is State.CRASHED
    assert (run.reason or "").startswith(reason)
    assert (run.peak_bytes or 0) > limit.get("memory_limit", 0)
    assert (run.cpu_seconds or 0) > limit.get("cpu_limit", 0)


@pytest.mark.parametrize("deed", ENDS)
def test_I16_whatever_a_run_does_to_itself(place: Place, deed: str) -> None:
    place.flows(f"""
import resource

@flow
def work(harmless=False):
    if harmless:
        return
    child = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; sleep 60"], start_new_session=True, close_fds=True
    )
    (Path({str(place.folder)!r}) / "child").write_text(str(child.pid))
    {deed}
""")
    runner = place.start()
    state, reason = ENDS[deed]
    run = place.ended(place.submit())
    assert run.state is state, run
    assert reason in (run.reason or "")
    gone([int(place.note("child"))])
    assert place.ended(place.submit(harmless=True)).state is State.COMPLETED
    assert runner.process.poll() is None
