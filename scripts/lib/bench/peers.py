"""The product beside its peers: the same questions, in turn, on the same kind of server."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.contestants import OURS, PEERS, PREFECT, Peer
from bench.figures import Figure, median
from bench.starting import embedded_starts
from peers.contest import CRASH_LIMIT_SECONDS

ROUNDS = 3
SCHEDULES = (20, 200, 1_000)
SCHEDULES_OF_PREFECT = (20,)
"""200 of its processes at once would be 20 GiB."""

METRICS = {
    "latency": ("start latency, idle", "ms", 1e3),
    "throughput": ("runs", "per s", 1.0),
    "submit": ("submit, one at a time", "per s", 1.0),
    "bulk": ("submit, bulk call where there is one", "per s", 1.0),
    "cancel": ("cancel to process gone", "ms", 1e3),
}
Values = dict[tuple[str, str], list[float]]
"""What was measured, by (part of the metric, peer)."""


def measure() -> list[Figure]:
    """Starting, throughput, submitting, cancelling."""
    return _quick(PEERS, ROUNDS)


def measure_prefect() -> list[Figure]:
    """All of it beside Prefect, which takes minutes for each."""
    return [
        *_quick(PREFECT, 1),
        *_schedules(PREFECT, SCHEDULES_OF_PREFECT),
        *_crash(PREFECT),
        *_idle(PREFECT),
        *_cold(PREFECT),
    ]


def _quick(peers: Sequence[Peer], rounds: int) -> list[Figure]:
    found: dict[str, Values] = {metric: defaultdict(list) for metric in METRICS}
    for number in range(rounds):
        for metric, values in found.items():
            sys.stderr.write(f"round {number + 1} of {rounds}: {metric}\n")
            _ask_all(peers, metric, values)
    return [
        figure
        for metric, (title, unit, factor) in METRICS.items()
        for figure in _compared(peers, title, unit, factor, "", found[metric])
    ]


def measure_schedules() -> list[Figure]:
    """How late the last of many schedules of one instant is queued, and begins."""
    return _schedules(PEERS, SCHEDULES)


def measure_crash() -> list[Figure]:
    """How long a run waits whose worker is gone with all that it started."""
    return _crash(PEERS)


def measure_idle() -> list[Figure]:
    """What a minute without work costs. Ours serves two deployments."""
    return _idle(PEERS)


def measure_cold() -> list[Figure]:
    """How long a worker needs from nothing; ours also with the server that it brings along."""
    embedded = median("cold start with the embedded server: ours", embedded_starts(), "s")
    return [*_cold(PEERS), embedded]


def _schedules(peers: Sequence[Peer], counts: Sequence[int]) -> list[Figure]:
    figures: list[Figure] = []
    for count in counts:
        sys.stderr.write(f"{count} schedules\n")
        found = _ask_all(peers, "lag", defaultdict(list), count)
        for part in ("last queued", "median began", "last began"):
            title = f"{count:,} schedules, {part}"
            figures += _compared(peers, title, "s", 1.0, part, found)
    return figures


def _crash(peers: Sequence[Peer]) -> list[Figure]:
    found = _ask_all(peers, "crash", defaultdict(list))
    silent = {peer for (_, peer), values in found.items() if not values}
    for peer in silent:
        found["", peer] = [CRASH_LIMIT_SECONDS]
    figures = _compared(peers, "crash, begins again", "s", 1.0, "", found)
    return [replace(each, at_least=each.name.partition(": ")[2] in silent) for each in figures]


def _idle(peers: Sequence[Peer]) -> list[Figure]:
    found = _ask_all(peers, "idle", defaultdict(list))
    units = {"server commands": "per s", "CPU": "ms per s", "memory (PSS)": "MiB"}
    return [
        figure
        for part, unit in units.items()
        for figure in _compared(peers, f"idle, {part}", unit, 1.0, part, found)
    ]


def _cold(peers: Sequence[Peer]) -> list[Figure]:
    found = _ask_all(peers, "cold", defaultdict(list))
    return [
        figure
        for part in ("ready", "first line")
        for figure in _compared(peers, f"cold start, {part}", "s", 1.0, part, found)
    ]


def _ask_all(peers: Sequence[Peer], metric: str, found: Values, crons: int = 0) -> Values:
    """One round, ours first; the values are added to ``found``."""
    for peer in peers:
        if metric not in peer.without:
            for part, values in peer.ask(metric, crons).items():
                sys.stderr.write(f"{metric} {part}, {peer.name}: {values[:5]}\n")
                found[part, peer.name] += values
    return found


def _compared(
    peers: Sequence[Peer], title: str, unit: str, factor: float, part: str, found: Values
) -> Iterator[Figure]:
    """Medians over all rounds, ours first, each peer's beside it."""
    ours = [value * factor for value in found[part, OURS.name]]
    for peer in peers:
        if values := [value * factor for value in found[part, peer.name]]:
            figure = median(f"{title}: {peer.name}", values, unit)
            beside = None if peer is OURS else statistics.median(ours)
            yield replace(figure, beside=beside, beside_what="ours" if beside else "")
