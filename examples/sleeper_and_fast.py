"""Two deployments in one process: one slow and on a schedule, one quick and on request."""

import time

from orchestrator import flow, serve


@flow
def slow(sleep: float = 60) -> None:
    """Sleep for so many seconds."""
    time.sleep(sleep)


@flow
def fast(fail: bool = False) -> str:
    """Return at once, or fail when told to."""
    if fail:
        raise ValueError("told to fail")
    return "done"


if __name__ == "__main__":
    serve(slow.to_deployment("sleeper", interval=45), fast.to_deployment("fast"))
