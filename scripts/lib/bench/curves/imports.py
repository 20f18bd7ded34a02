"""Scripts that import much: what a fork of so large a process costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.contestants import ROOT
from bench.figures import Figure
from bench.machine import child_of, cpu_seconds, cpu_seconds_of_ended, memory_mib, until
from bench.place import Place, fresh_place

MODULES = ("", "numpy", "pandas")
RUNS = 100
STARTS = 20
_FOLDER = ROOT / ".bench/imports"


def measure() -> list[Figure]:
    """Starting, and CPU for each run."""
    _install()
    figures: list[Figure] = []
    for module in MODULES:
        sys.stderr.write(f"import {module or 'nothing'}\n")
        with _importing(module), fresh_place() as place, place.serving(limit=2) as script:
            figures += _of(module, place, script)
    return figures


def _of(module: str, place: Place, script: subprocess.Popen[bytes]) -> list[Figure]:
    spawner = child_of(child_of(script.pid))
    until(lambda: bool(place.client.runners()))
    isolation = place.client.runners()[0].isolation
    waits = []
    for number in range(STARTS):
        time.sleep(0.1)
        sent = time.time()
        place.submit()
        waits.append(place.moments(number + 1)[-1] - sent)
    before = cpu_seconds(spawner), cpu_seconds_of_ended(spawner)
    place.submit_bulk(RUNS)
    place.moments(STARTS + RUNS)
    place.wait_until_idle()
    time.sleep(0.5)  # the last one is waited for
    forking = (cpu_seconds(spawner) - before[0]) / RUNS * 1e3
    running = (cpu_seconds_of_ended(spawner) - before[1]) / RUNS * 1e3
    how = isolation.get("mark/bench", "fork")
    name = f"import {module or 'nothing'}, {how}"
    return [
        Figure(f"{name}: idle start latency, median", statistics.median(waits) * 1e3, "ms"),
        Figure(f"{name}: CPU of the spawner", forking, "ms per run"),
        Figure(f"{name}: CPU of the run process", running, "ms per run"),
        Figure(f"{name}: memory of the spawner (PSS)", memory_mib(spawner), "MiB"),
    ]


def _install() -> None:
    if not (_FOLDER / "ready").exists():
        # What else pandas wants the product has, in the versions that the product wants.
        words = ["-m", "pip", "install", "-qq", "--no-deps", "--target", str(_FOLDER)]
        subprocess.run([sys.executable, *words, "numpy", "pandas"], check=True)
        (_FOLDER / "ready").touch()


@contextmanager
def _importing(module: str) -> Iterator[None]:
    """The script that serves imports it."""
    path = os.environ["PYTHONPATH"]
    os.environ["BENCH_IMPORT"] = module
    os.environ["PYTHONPATH"] = f"{path}:{_FOLDER}"
    try:
        yield
    finally:
        del os.environ["BENCH_IMPORT"]
        os.environ["PYTHONPATH"] = path
