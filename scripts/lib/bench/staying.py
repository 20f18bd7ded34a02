"""What the recovery figures execute: a flow that stays until it begins a second time."""

from __future__ import annotations

import time
from pathlib import Path

from orchestrator import flow


@flow(retries=1)
def stay(path: str) -> None:
    """Write down when it began. The first time it does not end by itself."""
    with Path(path).open("a") as file:
        file.write(f"{time.time():.6f}\n")
    while len(Path(path).read_text().split()) == 1:
        time.sleep(0.005)


if __name__ == "__main__":
    stay.serve(name="bench", limit=2, pause_on_shutdown=False)
