"""From nothing: a fresh home, no server, and a script that is started in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import until
from bench.place import SCRIPTS
from orchestrator.embedded import stop_server
from orchestrator.settings import load_settings

ROUNDS = 5


def embedded_starts() -> list[float]:
    """Seconds until the script's banner stands there, the server that it starts counted."""
    return [_start() for _ in range(ROUNDS)]


def _start() -> float:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["ORCHESTRATOR_HOME"] = folder
        os.environ.pop("ORCHESTRATOR_REDIS_URL", None)
        log = Path(folder) / "log"
        began = time.perf_counter()
        with log.open("wb") as output:
            script = subprocess.Popen(
                [sys.executable, str(SCRIPTS / "marking.py"), "2", "1"], stdout=output
            )
        try:
            until(lambda: b"Ask for a run" in log.read_bytes())
            return time.perf_counter() - began
        finally:
            script.terminate()
            script.wait()
            stop_server(load_settings())
