"""Started by path with ``-P``: a fresh interpreter that becomes one run (``run_process.main``)."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if __name__ == "__main__":
    if find_spec("orchestrator") is None:
        # Appended, never first: site-packages must not shadow the standard library.
        sys.path.append(str(Path(__file__).resolve().parents[2]))
    from orchestrator.execution.run_process import main

    main(sys.argv[1:])
