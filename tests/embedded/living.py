"""A home under test, with all processes that live for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from orchestrator.embedded import ensure_server
from orchestrator.embedded.home import Home
from orchestrator.settings import Settings
from tests.support import eventually
from tests.support.processes import marked

ENSURE = """
from orchestrator.embedded import ensure_server
from orchestrator.settings import load_settings
print(ensure_server(load_settings()))
"""

FOREGROUND = """
from orchestrator.embedded.foreground import run_server_in_foreground
from orchestrator.settings import load_settings
raise SystemExit(run_server_in_foreground(load_settings(), lambda line: print(line, flush=True)))
"""


@dataclass
class Living:
    """Processes are found by the home in their environment, or, for servers, which write their
    title over it, by their socket: no file has to be right for that.
    """

    settings: Settings
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def home(self) -> Home:
        return Home(self.settings.home)

    def ensure(self) -> redis.Redis:
        """A client of the server that ``ensure_server`` names."""
        return redis.Redis.from_url(ensure_server(self.settings), decode_responses=True)

    def start(self, program: str, **environment: str) -> subprocess.Popen[str]:
        """Another Python process with this home in its environment."""
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | self.settings.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def guardians(self) -> list[int]:
        """Also those that only look whether they are needed, for as long as that takes."""
        found = [pid for pid in self._ours() if "embedded/__main__.py" in _read(pid, "cmdline")]
        # A child that it has forked and that has not begun its own program yet looks the same.
        return [pid for pid in found if _parent(pid) not in found]

    def schedulers(self) -> list[int]:
        return [pid for pid in self._ours() if "programs.py\0scheduler" in _read(pid, "cmdline")]

    def apis(self) -> list[int]:
        return [pid for pid in self._ours() if "api/__main__.py" in _read(pid, "cmdline")]

    def servers(self) -> list[int]:
        return [pid for pid in _processes() if str(self.home.socket) in _read(pid, "cmdline")]

    def everything(self) -> list[int]:
        return [*self._ours(), *self.servers()]

    def end(self) -> None:
        """Whatever a test left: nothing stays behind."""
        for pid in self.guardians():
            _send(pid, signal.SIGTERM)
        for pid in self.everything():
            _send(pid, signal.SIGCONT)
        for process in self.started:
            process.terminate()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        eventually(lambda: not self.everything(), why="all processes of the home are gone")

    def _ours(self) -> set[int]:
        return marked(f"ORCHESTRATOR_HOME={self.home.folder}")


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _read(pid: int, name: str) -> str:
    """Empty for a process that is gone, also while nobody has waited for it."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    return ""


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
