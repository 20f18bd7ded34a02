"""What whoever types a command waits for before it does anything: the interpreter, and imports."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, median

ROUNDS = 21
_BARE = "python -c pass"
_IMPORT = "python -c 'import orchestrator'"
_HELP = "orchestrator --help"


def measure() -> list[Figure]:
    """Milliseconds from start to end of each command, in turn."""
    commands = {
        _BARE: [sys.executable, "-c", "pass"],
        _IMPORT: [sys.executable, "-c", "import orchestrator"],
        _HELP: [str(Path(sys.executable).with_name("orchestrator")), "--help"],
    }
    rounds = [{name: _taken(words) for name, words in commands.items()} for _ in range(ROUNDS)]
    figures = [median(name, [each[name] for each in rounds], "ms") for name in commands]
    beyond = [each[_IMPORT] - each[_BARE] for each in rounds]
    return [*figures, median("import orchestrator, beyond Python's own start", beyond, "ms")]


def _taken(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1e3
