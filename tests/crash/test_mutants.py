"""The proof of the proof: each guard that the promises rest on is taken out of a copy of the
package, and a test or the soak must notice.

``tests/store/test_breaks.py`` does the same, guard by guard, for the scripts and the state machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from soak.checker import judge
from soak.fleet import Code
from soak.profile import Profile
from soak.trial import trial

HOME = Path(__file__).resolve().parents[2]
PARTS = ("orchestrator", "runner", "scheduler", "tests", "scripts/lib")


@dataclass(frozen=True)
class Mutant:
    """The package with one thing wrong, and the tests that must fail because of it."""

    what: str
    path: str
    changes: tuple[tuple[str, str], ...]
    caught_by: str

    @contextmanager
    def applied(self, home: Path) -> Iterator[None]:
        """Inside, the copy of the project in ``home`` has it."""
        file = home / self.path
        whole = file.read_text()
        text = whole
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.path} changed: adapt the mutant {self.what!r}"
            text = text.replace(old, new)
        file.write_text(text)
        try:
            yield
        finally:
            file.write_text(whole)


LUA = "orchestrator/store/lua"
OWNER_WITHOUT_DEADLINE = Mutant(
    "owner without deadline",
    "orchestrator/execution/spawned.py",
    (('            self.freeze("lease", now)\n', ""),),
    "tests/runner/test_deaths.py::test_I4_a_runner_that_stands_still_loses_its_runs_and_drops_them",
)
MUTANTS = [
    Mutant(
        "no token compare in finish",
        f"{LUA}/finish_run.lua",
        (("if record[2] ~= token then", "if false then"),),
        "tests/store/test_ending.py::test_I8_an_old_token_changes_nothing",
    ),
    OWNER_WITHOUT_DEADLINE,
    Mutant(
        "beat without state check",
        f"{LUA}/beat_runs.lua",
        ((" and CLAIMED[record[1]]", ""),),
        "tests/store/test_ending.py::test_beats_say_what_a_lost_message_said",
    ),
    Mutant(
        "reap without the seen beat",
        f"{LUA}/reap_run.lua",
        (("if beat ~= '' and record[7] ~= beat then", "if false then"),),
        "tests/store/test_ending.py::test_an_owner_that_lives_is_not_reaped",
    ),
    Mutant(
        "reaper not starting anew after an outage",
        "orchestrator/model/watching.py",
        (("        self._since.clear()\n", ""),),
        "tests/model/test_watching.py::test_a_failed_look_starts_anew",
    ),
    Mutant(
        "tick without cursor compare",
        f"{LUA}/tick_schedules.lua",
        ((" and cursor == tick.cursor_seen", ""),),
        "tests/store/test_schedules.py::test_a_plan_of_another_rule_or_cursor_is_stale",
    ),
    Mutant(
        "hold not checked in start",
        f"{LUA}/start_run.lua",
        (("'held') == '1'", "'held') == 2"),),
        "tests/store/test_claiming.py::test_no_start_after_a_cancel_or_while_held",
    ),
    Mutant(
        "nonces of claims forgotten",
        f"{LUA}/claim_runs.lua",
        (("earlier == nonce", "false"),),
        "tests/store/test_claiming.py::test_a_repeated_claim_answers_the_same_runs",
    ),
    Mutant(
        "claims beyond the limit",
        f"{LUA}/claim_runs.lua",
        (("limit - redis.call('ZCARD', leases)", "limit"),),
        "tests/store/test_claiming.py::test_a_limit_is_never_exceeded",
    ),
    Mutant(
        "cancel by message only",
        "runner/leases.py",
        (
            ("self._now.clear()", "self._told = self._now.is_set(); self._now.clear()"),
            ("run.heard(word, sent)", 'run.heard(word if self._told else "OK", sent)'),
        ),
        "tests/runner/test_control.py::"
        "test_a_lost_message_only_delays_a_cancel_until_the_next_beat",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    home = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        shutil.copytree(HOME / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "pyproject.toml", home)
    return home


def verdict(home: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """What these tests say about the copy."""
    words = ["-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        [sys.executable, *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.timeout(240)
def test_without_a_mutant_all_is_well(copy: Path) -> None:
    result = verdict(copy, *{mutant.caught_by for mutant in MUTANTS})
    assert result.returncode == pytest.ExitCode.OK, result.stdout


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_is_caught(mutant: Mutant, copy: Path) -> None:
    with mutant.applied(copy):
        result = verdict(copy, mutant.caught_by)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout


STOPS_ONLY = Profile(
    runs=120,
    hosts=3,
    limit=6,
    schedulers=1,
    faults={"stop runner": 12},
    stops=(2.0,),
    peace_seconds=3,
    meddle_seconds=1.0,
    quiet_seconds=20,
)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_soak_catches_an_owner_without_deadline(tmp_path: Path) -> None:
    code = Code.copied(tmp_path / "code")
    with (
        OWNER_WITHOUT_DEADLINE.applied(code.home),
        trial(STOPS_ONLY, 1, tmp_path / "soak", code) as soak,
    ):
        evidence = soak.run()
    assert "I4" in {violation.invariant for violation in judge(evidence)}
