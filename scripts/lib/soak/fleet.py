"""Hosts and schedulers as real processes, each behind a proxy of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from soak.proxy import Proxy
from tests.support.processes import children, tree
from tests.support.waiting import eventually

ORIGINAL = Path(__file__).resolve().parents[3]
NO_SERVER = 3
PROGRAMS = ("orchestrator", "runner", "scheduler")
LATER_FIELD = "of_a_later_version"
LATER = (
    ("orchestrator/version.py", '__version__ = "', '__version__ = "99.'),
    (
        "orchestrator/store/lua/shared/history.lua",
        "redis.call('HSET', key, 'state', state,",
        f"redis.call('HSET', key, '{LATER_FIELD}', '1', 'state', state,",
    ),
)
"""File, what stands there, what a later version has instead."""
SPARE_DESCRIPTORS = 20
IGNORED = shutil.ignore_patterns("__pycache__")
Variables = Mapping[str, str]
PATIENCE = 60.0
"""Seconds a process may take to come up, on a machine under load."""


@dataclass
class Member:
    """A program that is started again whenever it was killed."""

    name: str
    proxy: Proxy
    folder: Path
    words: list[str]
    ready: str
    """What its log says once it works."""
    environment: Variables
    process: subprocess.Popen[bytes] | None = None
    _read_from: int = field(init=False, default=0)
    _fresh: dict[int, int] = field(init=False, default_factory=dict)
    """Descriptors of its programs when they had begun."""

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as log:
            self._read_from = log.tell()
            self.process = subprocess.Popen(
                self.words,
                cwd=self.folder,
                env={**os.environ, **self.environment, "ORCHESTRATOR_REDIS_URL": self.proxy.url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def is_ready(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            return self.ready.encode() in log.read()

    def until_ready(self) -> None:
        """Return when it works; one that gave up meanwhile (no server) is started again."""

        def works() -> bool:
            if self.is_ready():
                return True
            code = None if self.process is None else self.process.poll()
            if code is not None:
                assert code == NO_SERVER, f"{self.name} ended with {code}: {self.log}"
                self.start()
            return False

        eventually(works, within=PATIENCE, every=0.05, why=f"{self.name} works: {self.log}")

    def restart(self) -> None:
        """After a kill: wait for its end, start it, wait until it works."""
        self.end()
        self.start()
        self.until_ready()

    def end(self) -> None:
        """Wait for its end; who takes too long is killed."""
        assert self.process is not None
        try:
            self.process.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def leave(self) -> None:
        """The orderly end: SIGTERM."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.end()


class Host(Member):
    """A script that serves; below it the runner, the spawner, the run processes."""

    def until_ready(self) -> None:
        super().until_ready()
        self._fresh = self._descriptors()

    def held_too_much(self) -> list[str]:
        """Which of its programs hold many more descriptors than when they had just begun."""
        return [
            f"{program} of {self.name} holds {number} descriptors; it began with {self._fresh[pid]}"
            for pid, number in self._descriptors().items()
            for program in [_command(pid)]
            if pid in self._fresh and number > self._fresh[pid] + SPARE_DESCRIPTORS
        ]

    def _descriptors(self) -> dict[int, int]:
        found = {}
        for pid in (self.pid, self.runner, self.spawner):
            with suppress(FileNotFoundError, ProcessLookupError):
                found[pid] = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - its names alone
        return found

    @property
    def runner(self) -> int:
        """0: there is none at the moment."""
        return next(iter(children(self.pid)), 0)

    @property
    def spawner(self) -> int:
        pids = (pid for pid in children(self.runner) if "spawner.py" in _command(pid))
        return next(pids, 0) if self.runner else 0

    @property
    def run_processes(self) -> list[int]:
        """The processes that execute runs, without what they forked."""
        return children(self.spawner) if self.spawner else []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def all_below(pids: list[int]) -> list[int]:
    """The processes and everything that they started."""
    return [each for pid in pids for each in (pid, *tree(pid))]


@dataclass(frozen=True, slots=True)
class Code:
    """A copy of the project that the processes run: nobody edits it meanwhile, except to break it
    on purpose."""

    home: Path

    clock_is_wrong: bool = False

    @classmethod
    def copied(cls, home: Path) -> Code:
        """Copy what this process runs to ``home``."""
        for name in (*PROGRAMS, "scripts/lib"):
            shutil.copytree(ORIGINAL / name, home / name, ignore=IGNORED)
        return cls(home)

    @classmethod
    def later(cls, home: Path) -> Code:
        """A version that is not there yet: every script differs, and records have a field more."""
        code = cls.copied(home)
        for path, old, new in LATER:
            file = home / path
            text = file.read_text()
            assert text.count(old) == 1, f"{path} changed: adapt what a later version has"
            file.write_text(text.replace(old, new))
        for file in (home / "orchestrator/store/lua").glob("*.lua"):
            file.write_text(file.read_text() + "-- later\n")
        return code

    @classmethod
    def of_commit(cls, commit: str, home: Path) -> Code:
        """An earlier version, as it stands in the repository; the flows are those of today."""
        code = cls.copied(home)
        for name in PROGRAMS:
            shutil.rmtree(home / name)
        words = ["git", "-C", str(ORIGINAL), "archive", commit, *PROGRAMS]
        archive = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(home)], input=archive, check=True)
        return code

    @property
    def environment(self) -> dict[str, str]:
        """What makes processes import it."""
        folders = [self.home, self.home / "scripts/lib"]
        folders += [self.home / "scripts/lib/soak/wrong_clock"] if self.clock_is_wrong else []
        return {"PYTHONPATH": ":".join(map(str, folders))}

    def host(self, name: str, proxy: Proxy, folder: Path, limit: int, variables: Variables) -> Host:
        """A serving script, not started yet."""
        words = [sys.executable, str(self.home / "scripts/lib/soak_flows.py"), str(limit)]
        return Host(name, proxy, folder, words, "Serving.", {**variables, **self.environment})

    def scheduler(self, name: str, proxy: Proxy, folder: Path, variables: Variables) -> Member:
        """A scheduler, not started yet. One that stands by says nothing: it counts as working from
        the start."""
        words = [sys.executable, "-P", str(self.home / "orchestrator/programs.py"), "scheduler"]
        return Member(name, proxy, folder, words, "", {**variables, **self.environment})


def marked(variable: str) -> dict[int, str]:
    """Every process, zombies left out, that has this variable in its environment: its command."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                environment = (folder / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if variable.encode() in environment.split(b"\0"):
                found[int(folder.name)] = _command(int(folder.name))
    return found


def zombies(pids: list[int]) -> list[int]:
    """Those below these processes that ended and that nobody has waited for."""
    states = {}
    for pid in all_below(pids):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        states[pid] = stat.rpartition(")")[2].split()[0]
    return [pid for pid, state in states.items() if state == "Z"]
