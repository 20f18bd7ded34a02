"""One look at a source: what is newest there (or a revision asked for) becomes a checkout here.

``python -P fetching.py`` does it in a process of its own for a runner: JSON in, JSON out. The
libraries of a storage, their threads and the secrets stay out of the runner, and what hangs can be
killed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HOME = str(Path(__file__).resolve().parents[2])
if __name__ == "__main__" and HOME not in sys.path:
    # Started by path: sys.path lacks us. Appended, never first.
    sys.path.append(HOME)

from orchestrator.model.code import Code  # noqa: E402
from orchestrator.model.errors import SourceFailed  # noqa: E402
from orchestrator.sources.checkouts import Checkouts, forget_unused  # noqa: E402
from orchestrator.sources.contents import Escape  # noqa: E402
from orchestrator.sources.copying import fetch_copy  # noqa: E402
from orchestrator.sources.failing import scrubbed, system_failed  # noqa: E402
from orchestrator.sources.git_fetching import fetch_git  # noqa: E402
from orchestrator.sources.looks import Asked, Look  # noqa: E402
from orchestrator.sources.storages import (  # noqa: E402
    GitRepository,
    LocalStorage,
    RemoteStorage,
    Storage,
    place_key,
    storage_from_json,
    track_key,
)


def look(storage: Storage, home: Path, max_age: float = 0.0) -> Look:
    """The newest code of a source. Where another process of this host has looked within the last
    ``max_age`` seconds, its answer is taken. Where the source does not answer, the code of the
    latest look that it answered, and why."""
    if isinstance(storage, LocalStorage) and storage.pull_interval is None:
        return _in_place(storage)
    checkouts, track = Checkouts(home, place_key(storage)), track_key(storage)
    try:
        with checkouts.locked():
            known = checkouts.known(track) or {}
            if 0 <= time.time() - known.get("at", -1.0) < max_age:
                return _remembered(checkouts, known)
            found = _found(storage, checkouts, known)
            checkouts.note(track, {**found, "at": time.time()})
            checkouts.clean()
        forget_unused(home, time.time())
        return _remembered(checkouts, found)
    except OSError as error:
        failed = system_failed(storage.shown, error, storage.secrets)
        return Look(None, failed.why, failed.remedy)


def fetch_revision(storage: Storage, home: Path, revision: str) -> Look:
    """The code of one revision, as a run that is done again wants it."""
    checkouts = Checkouts(home, place_key(storage))
    try:
        with checkouts.locked():
            if (code := checkouts.find(revision)) is not None:
                checkouts.touch(code)
                return Look(code)
            if isinstance(storage, GitRepository):
                return Look(fetch_git(storage, checkouts, revision))
    except SourceFailed as failed:
        return Look(None, failed.why, failed.remedy)
    except (OSError, Escape) as error:
        return Look(None, str(error))
    why = f"the code {revision[:12]} is not kept on this host any more, and only git brings it back"
    return Look(None, why, "retry with the newest code")


def _found(storage: Storage, checkouts: Checkouts, known: dict[str, Any]) -> dict[str, Any]:
    """As it is remembered: the revision, and the failure of this look beside an older one."""
    try:
        if isinstance(storage, GitRepository):
            return {"revision": fetch_git(storage, checkouts, None).revision}
        assert isinstance(storage, (LocalStorage, RemoteStorage))
        code, fingerprint = fetch_copy(storage, checkouts, known)
    except SourceFailed as failed:
        return {**known, "why": failed.why, "remedy": failed.remedy}
    except Escape as escape:
        return {**known, "why": f"refused: {escape}", "remedy": "take that out of the source"}
    except OSError as error:
        meant = system_failed(storage.shown, error, storage.secrets)
        return {**known, "why": meant.why, "remedy": meant.remedy}
    return {"revision": code.revision, "fingerprint": fingerprint}


def _remembered(checkouts: Checkouts, found: dict[str, Any]) -> Look:
    revision = found.get("revision")
    code = checkouts.find(revision) if revision else None
    if code is None and "why" not in found:
        return Look(None, "its checkout was removed", "look again")
    return Look(code, found.get("why"), found.get("remedy", ""))


def _in_place(storage: LocalStorage) -> Look:
    if not storage.path.is_dir():
        return Look(None, "there is no such folder", "look at the path")
    return Look(Code(folder=str(storage.path), revision="", commit=None, content=""))


def _answer(asked: Asked) -> Look:
    storage, home = storage_from_json(asked.storage), Path(asked.home)
    try:
        if asked.revision is None:
            return look(storage, home, asked.max_age)
        return fetch_revision(storage, home, asked.revision)
    except Exception as error:  # noqa: BLE001 - told like any failure, and without its secrets
        return Look(None, scrubbed(f"{type(error).__name__}: {error}", storage.secrets))


def _main() -> None:
    from orchestrator.execution.kernel import die_with

    asked = Asked(**json.load(sys.stdin))
    die_with(asked.parent)
    # Whatever a library prints is no part of the answer.
    with open(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        json.dump(_answer(asked).to_json(), answer)


if __name__ == "__main__":
    _main()
