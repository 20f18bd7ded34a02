"""The process behind ``serve``: started, handed the signals of its script, judged by its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Self

from orchestrator.model.errors import RunnerDied
from orchestrator.model.serving import HANDED_ON, ServingSpec
from orchestrator.orphans import buried_by_process_1
from orchestrator.programs import command_of

STOP_NOW, NO_SERVER = 130, 3
"""Exit codes of a runner that was stopped at once, and of one that never had a server."""


@dataclass
class RunnerProcess:
    """The runner behind this process."""

    process: subprocess.Popen[bytes]
    lifeline: int
    """The writing end of a pipe: when it closes, the runner stops its runs and leaves (F17)."""
    asked_to_stop: bool = False

    @classmethod
    def start(cls, spec: ServingSpec) -> RunnerProcess:
        """A new one, which serves this."""
        spec_read, spec_write = os.pipe()
        life_read, life_write = os.pipe()
        words = command_of("runner", "--spec-fd", str(spec_read), "--parent-fd", str(life_read))
        process = subprocess.Popen(words, pass_fds=(spec_read, life_read), start_new_session=True)
        os.close(spec_read)
        os.close(life_read)
        try:
            with open(spec_write, "w") as document:
                json.dump(spec.to_json(), document)
        except BrokenPipeError:
            pass  # it died before it had read all: its exit code tells
        return cls(process, life_write)

    def stop(self) -> None:
        """Ask once: it drains. Ask twice: it stops now."""
        self.asked_to_stop = True
        # One signal for both of ours, and one that nobody else sends: a service manager that
        # signals script and runner at once has asked once. One that still starts dies of it.
        self.process.send_signal(signal.Signals[HANDED_ON])

    def judge(self) -> None:
        """Nothing after an orderly end.

        Raises:
            SystemExit: it said itself why it ended.
            RunnerDied: it did not.
        """
        code = self.process.returncode
        early = (-signal.SIGTERM, -signal.Signals[HANDED_ON])
        if code == 0 or (self.asked_to_stop and code in early):
            return
        if code in (STOP_NOW, NO_SERVER):
            raise SystemExit(code)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        raise RunnerDied(how)


class Signals:
    """Inside, SIGINT and SIGTERM end us while there is no runner, and then are the runner's: a
    terminal sends them to us only."""

    def __init__(self) -> None:
        self._runner: RunnerProcess | None = None
        self._is_starting = self._came_early = False

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
        self._before = {number: signal.signal(number, self._take) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def start_runner(self, spec: ServingSpec) -> Iterator[RunnerProcess]:
        """A runner that hears the signals, also one that came while it was made."""
        self._is_starting = True
        runner = self._runner = RunnerProcess.start(spec)
        if self._came_early:
            runner.stop()
        try:
            with buried_by_process_1():
                yield runner
        finally:
            os.close(runner.lifeline)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self._runner is not None:
            self._runner.stop()
        elif self._is_starting:
            self._came_early = True
        else:
            raise SystemExit(128 + number)
