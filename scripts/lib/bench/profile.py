"""Where the CPU of a run goes: the kernel's part, the interpreter's, and what a bare fork costs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.machine import child_of
from bench.place import SCRIPTS, Place, fresh_place
from bench.product import SLOTS

_TICKS = os.sysconf("SC_CLK_TCK")
_RUNS = "the run processes"
_MAKER = "a bare fork, its maker"
_KERNEL = {
    "asm_exc_page_fault": "page faults",
    "__do_sys_clone": "fork",
}
"""Functions of the kernel, and what is done below each; none of them is below another. The end of a
process is not among them: newer kernels stop counting for it before its memory is given back."""
_BARE = """
import gc, os, sys
from orchestrator.execution import spawning
import marking
gc.collect()
gc.freeze()
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(open("/proc/self/stat").read())
"""


@dataclass(frozen=True)
class Spent:
    """Milliseconds of CPU, and page faults."""

    user: float
    system: float
    faults: int

    def since(self, other: Spent, runs: int) -> Iterator[tuple[float, str, str]]:
        """What was spent since, per run: value, of what, unit."""
        yield (self.user - other.user) / runs, "in user mode", "ms"
        yield (self.system - other.system) / runs, "in the kernel", "ms"
        yield (self.faults - other.faults) / runs, "page faults", ""


def measure(runs: int) -> list[Figure]:
    """Per run under load, by kind of process; beside it the bare fork of the same spawner."""
    with fresh_place() as place:
        with place.serving(limit=SLOTS) as script, tempfile.TemporaryDirectory() as folder:
            runner = child_of(script.pid)
            place.submit_bulk(2 * runs)
            begun = len(place.moments(min(50, runs // 2)))
            before = _all(place, runner)
            done = len(place.moments(runs))
            after = _all(place, runner)
            with _perf(runner, Path(folder) / "perf.data") as shares:  # which costs a sixth
                place.moments(2 * runs)
        figures = _figures(before, after, done - begun)
        bare = _figures(*_bare_forks(runs), runs)
        return [*figures, *bare, *_beyond(figures, bare), *shares]


def _figures(before: dict[str, Spent], after: dict[str, Spent], runs: int) -> list[Figure]:
    return [
        Figure(f"{who}: {what}", value, f"{unit} per run".strip())
        for who, spent in after.items()
        for value, what, unit in spent.since(before[who], runs)
    ]


def _beyond(figures: list[Figure], bare: list[Figure]) -> list[Figure]:
    """What a run costs that a bare fork does not, in those who serve it and in user mode."""
    whole, fork = _cpu(figures), _cpu(bare)
    serving = _cpu(each for each in figures if not each.name.startswith(_RUNS))
    making = _cpu(each for each in bare if each.name.startswith(_MAKER))
    own = _cpu(figures, "in user mode") - _cpu(bare, "in user mode")
    return [
        Figure("all of them", whole, "ms per run", fork, "a bare fork"),
        Figure("runner, spawner and server beyond the bare fork", serving - making, "ms per run"),
        Figure("user mode beyond the bare fork, of all", own / whole * 100, "%"),
    ]


def _cpu(figures: Iterable[Figure], *modes: str) -> float:
    """Milliseconds of CPU in these modes, or in both."""
    wanted = modes or ("in user mode", "in the kernel")
    return sum(each.value for each in figures if each.name.endswith(wanted))


def _all(place: Place, runner: int) -> dict[str, Spent]:
    spawner, ended = _spent(_stat(child_of(runner)))
    return {
        "the runner": _spent(_stat(runner))[0],
        "the spawner": spawner,
        _RUNS: ended,
        "the server": _spent(_stat(place.server_pid()))[0],
    }


def _bare_forks(count: int) -> tuple[dict[str, Spent], dict[str, Spent]]:
    """What a process with a spawner's content has spent after no forks, and after so many."""
    return _forked(0), _forked(count)


def _forked(count: int) -> dict[str, Spent]:
    words = [sys.executable, "-c", _BARE, str(count)]
    path = os.pathsep.join([str(SCRIPTS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    answer = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    forking, forked = _spent(answer.stdout)
    return {_MAKER: forking, "a bare fork, itself": forked}


def _stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


def _spent(stat: str) -> tuple[Spent, Spent]:
    """By the process itself, and by those of its children that it has waited for."""
    fields = [int(word) for word in stat.rpartition(")")[2].split()[1:16]]
    ticks = [fields[at] / _TICKS * 1e3 for at in range(10, 14)]
    return Spent(ticks[0], ticks[1], fields[6]), Spent(ticks[2], ticks[3], fields[7])


@contextmanager
def _perf(runner: int, data: Path) -> Iterator[list[Figure]]:
    """Shares of the time of runner, spawner and run processes, filled in at the end; none where
    ``perf`` is not installed."""
    shares: list[Figure] = []
    if shutil.which("perf") is None:
        sys.stderr.write("perf is not installed: no shares by function\n")
        yield shares
        return
    words = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-g", "-o", str(data)]
    pids = f"{runner},{child_of(runner)}"
    recording = subprocess.Popen([*words, "-p", pids], stderr=subprocess.DEVNULL)
    try:
        yield shares
    finally:
        recording.terminate()
        recording.wait()
    kernel = _report(data, "--no-children", "dso").get("kernel.kallsyms", 0.0)
    shares.append(Figure("share of the kernel", kernel, "%"))
    below = _report(data, "--children", "sym")
    for function, what in _KERNEL.items():
        shares.append(Figure(f"share of the kernel: {what}", below.get(function, 0.0), "%"))


def _report(data: Path, children: str, sort: str) -> dict[str, float]:
    """Per cent by name."""
    words = ["perf", "report", "-i", str(data), children, "-g", "none", "--sort", sort]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = {}
    for line in text.splitlines():
        if match := re.match(r"\s+([\d.]+)%.*?([\w.]+)\]?\s*$", line):
            found.setdefault(match[2], float(match[1]))
    return found
