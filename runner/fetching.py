"""Looks at sources, each in a process of its own, which can hang and be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

from orchestrator.model.code import Code
from orchestrator.model.serving import ServingSpec
from orchestrator.sources.looks import PROGRAM, Asked, Look

from .codebases import Codebase

LONGEST_LOOK = 600.0
"""Seconds after which a look is given up: a large repository takes a while the first time."""


class Fetching:
    """Starts such processes, and knows those that live."""

    def __init__(self, spec: ServingSpec) -> None:
        self._home = spec.home
        self.pids: set[int] = set()

    async def newest(self, place: Codebase, max_age: float) -> Look:
        """What is newest; an answer that somebody on this host got so long ago counts."""
        return await self._look(place, max_age, None)

    async def revision(self, place: Codebase, revision: str) -> Code | str:
        """The code of a revision, or why it cannot be had."""
        found = await self._look(place, 0.0, revision)
        return found.code or "; ".join(filter(None, (found.why, found.remedy)))

    async def _look(self, place: Codebase, max_age: float, revision: str | None) -> Look:
        if place.stored is None:
            return Look(None, "the code is beside the serving script, and no versions are kept")
        asked = Asked(
            storage=place.stored.storage,
            home=self._home,
            parent=os.getpid(),
            max_age=max_age,
            revision=revision,
        )
        try:
            process = _begin()
        except OSError as error:  # no processes, memory or descriptors left
            return Look(None, f"a look could not begin: {error}")
        self.pids.add(process.pid)
        try:
            # In a thread: asyncio's own processes cannot be told from strays before they are known.
            return await asyncio.to_thread(_talk, process, asked.to_text())
        finally:
            _end(process)
            self.pids.discard(process.pid)


def _begin() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _talk(process: subprocess.Popen[bytes], question: bytes) -> Look:
    try:
        answer, _ = process.communicate(question, LONGEST_LOOK)
    except subprocess.TimeoutExpired:
        return Look(None, f"it did not answer within {LONGEST_LOOK:g} s", "look at the network")
    if process.returncode != 0:
        # Its words are not ours to repeat: a secret might be among them.
        return Look(None, f"the look ended with code {process.returncode}")
    return Look.from_json(json.loads(answer))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it has started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
