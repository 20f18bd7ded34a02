"""What the hosts of the soak test serve: flows that mark every attempt with the witness."""

from __future__ import annotations

import os
import signal
import sys

from orchestrator import current_run, flow, serve
from orchestrator.schedules import Schedule
from soak.profile import CANCEL_GRACE, FAILURES, PERIOD
from soak.witness import witnessed


@flow(retries=1)
def brief() -> None:
    """Over at once."""
    with witnessed():
        pass


@flow(retries=1, cancel_grace_seconds=CANCEL_GRACE)
def sleeper(seconds: float) -> None:
    """Executes for a while."""
    with witnessed() as witness:
        witness.work(seconds)


@flow(retries=1, cancel_grace_seconds=CANCEL_GRACE)
def forker(seconds: float) -> None:
    """Leaves a process of another session behind that would go on for a minute."""
    with witnessed() as witness:
        if os.fork() == 0:
            os.setsid()
            witness.join()
            witness.work(60)
            os._exit(0)
        witness.work(seconds)


@flow(retries=FAILURES, retry_delay_seconds=0.2, cancel_grace_seconds=CANCEL_GRACE)
def failing(failures: int) -> None:
    """Raises in its first attempts."""
    with witnessed() as witness:
        witness.work(0.05)
        if current_run().attempt <= failures:
            raise ValueError("as asked")


@flow(retries=1, cancel_grace_seconds=CANCEL_GRACE)
def stubborn(seconds: float) -> None:
    """Ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with witnessed() as witness:
        witness.work(seconds)


@flow(retries=1, cancel_grace_seconds=CANCEL_GRACE)
def endless() -> None:
    """Ends only when it is cancelled."""
    with witnessed() as witness:
        witness.work(3600)


@flow(retries=1)
def clock() -> None:
    """Scheduled each second."""
    with witnessed():
        pass


@flow(retries=1)
def edited(rule: int) -> None:
    """Scheduled by people, with the number of the rule that made the run."""
    with witnessed() as witness:
        witness.mark("tick", str(rule))


if __name__ == "__main__":
    every_second = Schedule(interval=PERIOD, slug="second", catchup="all")
    flows = (brief, sleeper, forker, failing, stubborn, endless)
    serve(
        # The tags differ from start to start: serving again changes deployments in flight.
        *(each.to_deployment("soak", tags=[f"pid-{os.getpid()}"]) for each in flows),
        clock.to_deployment("soak", schedule=every_second),
        edited.to_deployment("soak", parameters={"rule": 0}),
        limit=int(sys.argv[1]),
        pause_on_shutdown=False,
        print_starting_message=False,
    )
