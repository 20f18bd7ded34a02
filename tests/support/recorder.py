"""Which reply words of which scripts were seen: a word that never came was never tested.

Registered as a plugin of pytest by ``tests/conftest.py``. With xdist each worker hands its words
to the controller. The check is made when the whole of ``tests/store`` ran and passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import wire
from orchestrator.store.scripts import script, script_names

FOLDER = Path(__file__).resolve().parents[1] / "store"
Words = Mapping[str, Iterable[str]]


def never_seen(seen: Words) -> list[str]:
    """``script: word`` of every word in a header's REPLY that is not among ``seen``."""
    return [
        f"{name}: {word}"
        for name in script_names()
        for word in script(name).replies
        if word not in set(seen.get(name, ()))
    ]


def undeclared(seen: Words) -> list[str]:
    """``script: word`` of every word that came without standing in the header."""
    return [
        f"{name}: {word}"
        for name, words in sorted(seen.items())
        for word in sorted(set(words) - set(script(name).replies))
    ]


class Recorder:
    """Listens to every reply that a store of this process reads."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, set[str]] = defaultdict(set)
        self.whole = False
        """All tests of the folder were chosen (those marked ``long`` may be left out)."""
        self.problems: list[str] = []
        self._left_out = False
        self._patch = pytest.MonkeyPatch()

    def note(self, requests: Sequence[Any], replies: Sequence[Any]) -> None:
        for request, reply in zip(requests, replies, strict=True):
            word = reply[0] if isinstance(reply, list) and reply else reply
            if request.script is not None and isinstance(word, str | bytes):
                text = word.decode() if isinstance(word, bytes) else word
                self.seen[request.script.name].add(text)

    def pytest_sessionstart(self) -> None:
        results = wire.results

        def noted(url: str, requests: Sequence[Any], replies: Sequence[Any]) -> list[Any]:
            self.note(requests, replies)
            return results(url, requests, replies)

        self._patch.setattr(wire, "results", noted)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._left_out |= any(
            item.path.parent == FOLDER and not item.get_closest_marker("long") for item in items
        )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        chosen = {item.path for item in session.items}
        single = any("::" in argument for argument in session.config.args)
        self.whole = set(FOLDER.glob("test_*.py")) <= chosen and not (single or self._left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended: its words become ours."""
        words, whole = getattr(node, "workeroutput", {}).get("replies", ({}, False))
        self.whole |= whole
        for name, found in words.items():
            self.seen[name] |= set(found)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._patch.undo()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["replies"] = ({name: sorted(w) for name, w in self.seen.items()}, self.whole)
        elif self.whole and exitstatus == pytest.ExitCode.OK:
            self.problems = [f"never provoked: {each}" for each in never_seen(self.seen)]
            self.problems += [f"not in its header: {each}" for each in undeclared(self.seen)]
            if self.problems:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.problems:
            terminalreporter.section("replies of the scripts", red=True)
            for line in self.problems:
                terminalreporter.line(line)
