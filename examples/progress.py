"""A flow that says how far it has come: `orchestrator run watch` shows a bar."""

import time

from orchestrator import flow, set_progress


@flow
def long_work(steps: int = 20, seconds: float = 0.5) -> int:
    """Do so many steps of so many seconds."""
    for step in range(steps):
        set_progress((step, steps), text=f"step {step + 1}")
        time.sleep(seconds)
    set_progress(1.0)
    return steps


if __name__ == "__main__":
    long_work.serve(name="steps")
