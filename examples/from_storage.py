"""Serve code that lies elsewhere: a repository, a bucket, or the folder given here.

    python from_storage.py                                    this folder, copied at each change
    python from_storage.py https://example.org/team/flows.git

While it serves, change `hello.py`: within seconds later runs have the new code. Each run records
the content that it executed; of a repository, the commit.
"""

import sys
from pathlib import Path

from orchestrator import LocalStorage, flow

if __name__ == "__main__":
    source = sys.argv[1] if sys.argv[1:] else LocalStorage(Path(__file__).parent, pull_interval=5)
    flow.from_source(source, "hello.py:hello").serve("from-storage", pause_on_shutdown=False)
