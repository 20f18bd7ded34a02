"""Started by path with ``-P``: the API of the server that the environment names."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Appended, never first: what lies beside our package must not shadow anybody else's.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    from orchestrator.api.entry import main

    raise SystemExit(main(sys.argv[1:]))
