"""Checkouts on a host: shared, kept while they are used, removed afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from orchestrator import GitRepository, flow
from orchestrator.model.code import Code
from orchestrator.sources.checkouts import KEPT, Checkouts, use
from orchestrator.sources.failing import scrubbed, system_failed
from orchestrator.sources.fetching import look
from orchestrator.sources.storages import place_key
from tests.sources.repository import FLOW, Repository


def make(checkouts: Checkouts, name: str) -> Code:
    with checkouts.locked():
        return checkouts.add(None, lambda new: write(new / "file", name))


def touch(code: Code) -> None:
    """Use it for a moment."""
    lock = use(code)
    assert lock is not None
    os.close(lock)


def write(path: Path, text: str) -> None:
    path.write_text(text)


def test_what_nobody_uses_goes_but_for_the_latest(home: Path) -> None:
    checkouts = Checkouts(home, "place")
    codes = [make(checkouts, f"content {number}") for number in range(KEPT + 4)]
    used = use(codes[0])
    assert used is not None
    for code in codes[2:]:
        touch(code)
    with checkouts.locked():
        checkouts.note("track", {"revision": codes[1].revision})
        checkouts.clean()
    left = [code for code in codes if Path(code.folder).exists()]
    assert codes[0] in left, "somebody uses it"
    assert codes[1] in left, "it is the newest of a track"
    assert len(left) == 2 + KEPT

    os.close(used)
    for number in range(KEPT):
        touch(make(checkouts, f"more {number}"))
    with checkouts.locked():
        checkouts.clean()
    assert not Path(codes[0].folder).exists()
    assert use(codes[0]) is None


def test_an_interrupted_checkout_is_none(home: Path) -> None:
    checkouts = Checkouts(home, "place")

    def dies(new: Path) -> None:
        write(new / "half", "")
        raise OSError(errno.ENOSPC, "No space left on device")

    with checkouts.locked(), pytest.raises(OSError, match="space"):
        checkouts.add("c0ffee", dies)
    assert checkouts.find("c0ffee") is None
    left = checkouts.folder / "new-leftover"
    left.mkdir()
    write(left / "half", "")
    with checkouts.locked():
        assert not left.exists()


def test_a_source_that_nobody_looks_at_is_forgotten(repository: Repository, home: Path) -> None:
    one, other = GitRepository(repository.url), GitRepository(f"{repository.url}/.git")
    code = look(one, home).code
    look(other, home)
    assert code is not None
    used = use(code)
    assert used is not None
    long_ago = 1_000_000_000
    for known in (home / "sources" / place_key(one)).glob("known-*.json"):
        os.utime(known, (long_ago, long_ago))

    look(other, home)
    assert Path(code.folder).exists(), "somebody uses it"
    os.close(used)
    look(other, home)
    assert [path.name for path in (home / "sources").iterdir()] == [place_key(other)]


def test_commits_that_come_and_go_do_not_pile_up(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    for number in range(KEPT + 3):
        repository.commit_version(str(number))
        look(storage, home)
    folders = list((home / "sources" / place_key(storage) / "checkouts").glob("*.json"))
    assert len(folders) == KEPT + 1


def test_flows_of_one_source_share_their_checkout(repository: Repository, home: Path) -> None:
    repository.commit({"flows/other.py": FLOW})
    one = flow.from_source(repository.url + "/.git", "flows/etl.py:tell")
    other = flow.from_source(
        GitRepository(repository.url + "/.git", branch="main"), "flows/other.py:tell"
    )
    assert one.stored is not None
    assert other.stored is not None
    assert one.stored.code == other.stored.code


def test_reasons_of_the_system() -> None:
    full = system_failed("here", OSError(errno.ENOSPC, "No space left on device"))
    rights = system_failed("here", OSError(errno.EACCES, "Permission denied"))
    assert "the disk is full" in full.why
    assert "ORCHESTRATOR_HOME" in full.remedy
    assert "may not" in rights.why


def test_scrubbing() -> None:
    secret = "a/b+c d"
    text = f"{secret} a%2Fb%2Bc%20d a%2Fb%2Bc+d https://me:pw@host/x"
    assert scrubbed(text, [secret]) == "*** *** *** https://***@host/x"
    assert scrubbed("an a in a word", ["a"]) == "an a in a word"
