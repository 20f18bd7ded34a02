"""How much of everything: runs, hosts, faults of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEASE = 2.0
"""T in seconds; faults and limits are measured in it."""
CANCEL_GRACE = 0.5
PERIOD = 1.0
"""Seconds between two occurrences of the schedule."""
FAILURES = 2
"""Retries of the flow that fails."""
RETRIES = {"failing/soak": FAILURES}
"""Of the deployments that differ from the others, which have one."""

SHARES = {
    "brief": 40,
    "sleeper": 30,
    "forker": 10,
    "failing": 10,
    "stubborn": 7,
    "endless": 3,
}
"""Of a hundred runs."""

STOPS = (2.0, 1.05, 0.95, 0.5)
"""Lengths of a stop, in leases, taken in turn: around the instant at which a lease is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One size of the test."""

    runs: int
    hosts: int
    limit: int
    """Runs at once on one host."""
    schedulers: int = 2
    faults: Mapping[str, int]
    """Kind -> how many."""
    stops: tuple[float, ...] = STOPS
    peace_seconds: float
    """Between two faults of a lane, on average."""
    meddle_seconds: float
    """Between two things that people do, on average."""
    quiet_seconds: float
    """How long the rest may take once the faults have ended."""


QUICK = Profile(
    runs=200,
    hosts=3,
    limit=6,
    faults={
        "kill runner": 3,
        "kill spawner": 2,
        "kill run": 3,
        "kill script": 1,
        "kill host": 1,
        "serve again": 1,
        "stop runner": 3,
        "stop spawner": 1,
        "stop host": 3,
        "cut": 1,
        "delay": 1,
        "black hole": 1,
        "lose reply": 3,
        "kill scheduler": 2,
        "kill server": 1,
        "stop server": 1,
        "cut journal": 1,
        "kill clients": 1,
        "flush scripts": 1,
    },
    peace_seconds=1.2,
    meddle_seconds=0.4,
    quiet_seconds=30,
)

FULL = Profile(
    runs=20_000,
    hosts=4,
    limit=16,
    schedulers=3,
    faults={
        "kill runner": 510,
        "kill spawner": 60,
        "kill run": 200,
        "kill script": 40,
        "kill host": 24,
        "serve again": 24,
        "stop runner": 32,
        "stop spawner": 16,
        "stop host": 32,
        "cut": 210,
        "delay": 20,
        "black hole": 20,
        "lose reply": 80,
        "kill scheduler": 110,
        "kill server": 52,
        "stop server": 12,
        "cut journal": 12,
        "kill clients": 40,
        "flush scripts": 20,
    },
    peace_seconds=1.0,
    meddle_seconds=0.7,
    quiet_seconds=60,
)

PROFILES = {"quick": QUICK, "full": FULL}
