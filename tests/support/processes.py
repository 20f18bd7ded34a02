"""Real processes for the tests: started, watched, killed, and proven gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.execution.trees import children_of
from tests.support.waiting import eventually


@dataclass
class Script:
    """A user's script (or a command) in a process of its own, with its output in a file."""

    words: list[str]
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.words,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> Path:
        return self.folder / f"log-{abs(hash(tuple(self.words)))}-{id(self)}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, within: float = 20) -> int:
        """The exit code; negative for a signal."""
        return self.process.wait(within)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def scripts(folder: Path, **environment: str) -> Iterator[Starter]:
    """Start scripts in ``folder``; whatever still lives in the end is stopped, then killed."""
    starter = Starter(folder, environment)
    try:
        yield starter
    finally:
        starter.stop_all()


@dataclass
class Starter:
    """Starts processes that share a folder and an environment."""

    folder: Path
    environment: dict[str, str]
    started: list[Script] = field(default_factory=list)

    def python(self, text: str, name: str = "flows.py", **environment: str) -> Script:
        """A script with this text, run as ``python NAME``."""
        (self.folder / name).write_text(text)
        return self.command(sys.executable, name, **environment)

    def orchestrator(self, *words: str, **environment: str) -> Script:
        """The terminal's command."""
        return self.command(sys.executable, "-P", "-m", "orchestrator.cli", *words, **environment)

    def command(self, *words: str, **environment: str) -> Script:
        script = Script(list(words), self.folder, {**self.environment, **environment})
        self.started.append(script)
        return script

    def stop_all(self) -> None:
        living = [script for script in self.started if script.process.poll() is None]
        for script in living:
            script.send(signal.SIGTERM)
        for script in living:
            try:
                script.ends(within=10)
            except subprocess.TimeoutExpired:
                script.kill()
        for script in self.started:  # pytest shows it when the test failed
            sys.stdout.write(f"--- {' '.join(script.words)}\n{script.output}")


def is_gone(pid: int) -> bool:
    """Whether a process ended. One that nobody has waited for (a zombie) counts as gone."""
    return _state(pid) in "ZX"


def stands_still(pid: int) -> bool:
    """Whether a process is stopped, waits in the kernel, or is gone."""
    return _state(pid) in "TtDZX"


def state_of(pid: int | str) -> str:
    """The letter of proc(5). FileNotFoundError, ProcessLookupError: there is no such process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _state(pid: int) -> str:
    """The same, and X when there is none."""
    try:
        return state_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def children(pid: int) -> list[int]:
    """The direct children of a process; none when it is gone."""
    return children_of(pid)  # not every kernel lists them under /proc/<pid>/task


def tree(pid: int) -> list[int]:
    """Everything below a process."""
    return [p for child in children(pid) for p in (child, *tree(child))]


def marked(variable: str) -> set[int]:
    """Processes that have this variable (``NAME=value``) in their environment, wherever they are;
    not those that ended and that nobody has waited for."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it is gone, or another user's
                if variable.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
    return found


def gone(pids: list[int], within: float = 30) -> None:
    """Wait until all of them ended."""
    eventually(
        lambda: all(map(is_gone, pids)),
        within=within,
        why=f"gone: {[pid for pid in pids if not is_gone(pid)]}",
    )
