"""Which faults come in which order, where and for how long: decided by the seed alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from soak.profile import LEASE, Profile

SERVER, SCHEDULERS, PEOPLE = "server", "schedulers", "people"
"""Lanes besides those of the hosts. The faults of a lane come one after the other."""

START_SECONDS = 1.0

_PLACES = {
    "kill server": (SERVER,),
    "stop server": (SERVER,),
    "cut journal": (SERVER,),
    "kill clients": (SERVER,),
    "flush scripts": (SERVER,),
    "kill scheduler": (SCHEDULERS,),
}
BEHIND_PROXIES = ("cut", "delay", "black hole", "lose reply")
_LOST = {
    SCHEDULERS: ("tick_schedules", "agenda"),
    PEOPLE: ("submit_runs", "hold_deployment"),
}
_LOST_BY_HOSTS = ("claim_runs", "start_run", "finish_run", "beat_runs")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    lane: str
    wait: float
    """Seconds of peace before it."""
    seconds: float = 0.0
    """How long it lasts; 0 for an instant."""
    script: str = ""
    """Whose reply is lost."""


def plan(profile: Profile, seed: int) -> dict[str, list[Fault]]:
    """The faults of each lane, in order."""
    random = Random(seed)
    hosts = [f"host-{number}" for number in range(profile.hosts)]
    lanes: dict[str, list[Fault]] = {lane: [] for lane in (*hosts, SERVER, SCHEDULERS, PEOPLE)}
    for kind, count in profile.faults.items():
        places = _places(kind, hosts, random)
        for lane, stop in islice(zip(places, cycle(profile.stops), strict=False), count):
            wait = random.uniform(0.1, 1.9) * profile.peace_seconds
            lanes[lane].append(_fault(kind, lane, wait, stop, random))
    for faults in lanes.values():
        random.shuffle(faults)
    return lanes


def length(lanes: Mapping[str, list[Fault]]) -> float:
    """Seconds that the longest lane takes, about: what is killed must be started again."""
    return max(sum(f.wait + f.seconds + START_SECONDS for f in lane) for lane in lanes.values())


def _places(kind: str, hosts: list[str], random: Random) -> Iterator[str]:
    if kind in BEHIND_PROXIES:
        places = [*hosts, *hosts, SCHEDULERS, PEOPLE]
    else:
        places = list(_PLACES.get(kind, hosts))
    random.shuffle(places)
    return cycle(places)


def _fault(kind: str, lane: str, wait: float, stop: float, random: Random) -> Fault:
    seconds = 0.0
    if kind.startswith("stop "):
        seconds = stop * LEASE
    elif kind in ("cut", "delay", "black hole", "kill server", "cut journal"):
        seconds = random.uniform(0.1, 1.2) * LEASE
    script = random.choice(_LOST.get(lane, _LOST_BY_HOSTS)) if kind == "lose reply" else ""
    return Fault(kind, lane, wait, seconds, script)
