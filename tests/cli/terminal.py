"""The real console script, as a person would call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(sys.executable).with_name("orchestrator")
WITHOUT = ("ORCHESTRATOR_", "FORCE_COLOR", "COLUMNS")
"""Beginnings of variables that must not reach the command from whoever runs the tests."""


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True)
class Terminal:
    """Calls commands against one server, from one folder."""

    url: str | None
    folder: Path
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(WITHOUT)}
        server = {} if self.url is None else {"ORCHESTRATOR_REDIS_URL": self.url}
        home = {"ORCHESTRATOR_HOME": str(self.folder / "home")}
        return {**inherited, **home, **server, **dict(self.variables)}

    def call(self, *words: str, stdin: str = "", within: float = 30) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            [str(SCRIPT), *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=within,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        return subprocess.Popen(
            [str(SCRIPT), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
