"""Started by path with ``-P``: loads the user's code once and makes run processes of it.

``python -P spawner.py CONTROL_FD CONFIG_FD``; the config is JSON, read to its end.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    """Serve the runner at the other end of the control socket; the exit code."""
    from orchestrator.execution.spawning import spawn

    control, config = map(int, arguments)
    with open(config, "rb") as file:
        document: dict[str, Any] = json.load(file)
    os.set_inheritable(control, False)
    return spawn(control, document)


if __name__ == "__main__":
    if find_spec("orchestrator") is None:
        # Appended, never first: site-packages must not shadow the standard library.
        sys.path.append(str(Path(__file__).resolve().parents[2]))
    raise SystemExit(main(sys.argv[1:]))
