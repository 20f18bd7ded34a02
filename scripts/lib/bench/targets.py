"""What the project wants to reach, beside what was measured and what the peers need."""

from __future__ import annotations

from dataclasses import dataclass

from bench.figures import Figure, short
from bench.results import Results


@dataclass(frozen=True)
class Target:
    """One line: ours is the sum of ``names`` in ``section``; the peers' are those figures of
    ``beside`` whose name begins with ``peers``."""

    what: str
    bound: float
    """Ours is to be this at most."""
    section: str
    names: tuple[str, ...]
    beside: str = "peers"
    peers: str = ""
    at: float | None = None
    is_least: bool = False
    """This at least, then."""

    def row(self, results: Results) -> str:
        ours = self._ours(results)
        sign = "≥" if self.is_least else "≤"
        if ours is None:
            return f"| {self.what} | {sign} {short(self.bound)} | not taken | | |"
        reached = "yes" if self._reaches(ours.value) else "no"
        goal = f"{sign} {short(self.bound)} {ours.unit}"
        how = "" if results[self.section].is_quiet else " (busy machine)"
        return f"| {self.what} | {goal} | {ours.amount}{how} | {reached} | {self._peers(results)} |"

    def _reaches(self, value: float) -> bool:
        return value >= self.bound if self.is_least else value <= self.bound

    def _ours(self, results: Results) -> Figure | None:
        figures = results[self.section].figures if self.section in results else []
        found = [each for each in figures if each.name in self.names and self.at in (None, each.at)]
        if len(found) < len(self.names):
            return None
        unit = found[0].unit.partition(" (")[0]
        return Figure(self.what, sum(each.value for each in found), unit)

    def _peers(self, results: Results) -> str:
        if not self.peers or self.beside not in results:
            return ""
        found = [
            each
            for each in results[self.beside].figures
            if each.beside and each.name.startswith(f"{self.peers}: ")
        ]
        return "<br>".join(map(_peer, found))


def _peer(figure: Figure) -> str:
    name = figure.name.partition(": ")[2]
    assert figure.beside
    return f"{name} {figure.amount}, {short(figure.value / figure.beside)} of ours"


TARGETS = (
    Target("idle start latency, median", 4, "product", ("idle start latency, median",),
           peers="start latency, idle"),
    Target("idle start latency, p95", 8, "product", ("idle start latency, p95",)),
    Target("isolated runs", 400, "product", ("isolated runs",), peers="runs", is_least=True),
    Target("CPU of runner, spawner and server for a run, beyond the bare fork", 1.2, "profile",
           ("runner, spawner and server beyond the bare fork",)),
    Target("user mode beyond the bare fork, of all CPU for a run", 33, "profile",
           ("user mode beyond the bare fork, of all",)),
    Target("submit, one at a time", 1_900, "submit", ("submit, one at a time",),
           peers="submit, one at a time", is_least=True),
    Target("submit, in bulk", 15_000, "submit", ("submit, in bulk",),
           peers="submit, bulk call where there is one", is_least=True),
    Target("submit, in bulk over HTTP", 15_000, "submit", ("submit, in bulk over HTTP",),
           is_least=True),
    Target("1,000 schedules of one instant: the last is queued after", 0.1, "instants",
           ("1,000 schedules, one deployment, last queued",),
           "schedules", "1,000 schedules, last queued"),
    Target("10,000 of them, of one deployment", 1, "instants",
           ("10,000 schedules, one deployment, last queued",)),
    Target("10,000 of them, of a deployment each", 1, "instants",
           ("10,000 schedules, one deployment each, last queued",)),
    Target("cancel to process gone", 10, "product", ("cancel to process gone, median",),
           peers="cancel to process gone"),
    Target("runner killed, its host alive: begins again", 2, "recovery",
           ("runner killed: begins again elsewhere",)),
    Target("worker and all it started killed: begins again elsewhere, lease 30 s", 36, "crash",
           ("crash, begins again: ours",), "crash", "crash, begins again"),
    Target("idle: server commands, ours with two deployments", 4, "idle",
           ("idle, server commands: ours",), "idle", "idle, server commands"),
    Target("idle: memory of runner and spawner", 60, "product",
           ("memory of runner and spawner (PSS)",), "idle", "idle, memory (PSS)"),
    Target("cold start until it is ready", 0.7, "cold",
           ("cold start, ready: ours",), "cold", "cold start, ready"),
    Target("cold start to the first line of a waiting run", 0.8, "cold",
           ("cold start, first line: ours",), "cold", "cold start, first line"),
    Target("cold start with the embedded server", 1.5, "cold",
           ("cold start with the embedded server: ours",)),
    Target("import orchestrator, beyond Python's own start", 30, "startup",
           ("import orchestrator, beyond Python's own start",)),
    Target("orchestrator --help", 150, "startup", ("orchestrator --help",)),
    Target("server memory per waiting run, parameters of 75 bytes", 1.5, "submit",
           ("memory per waiting run, parameters of 75 bytes",)),
)  # fmt: skip


def table(results: Results) -> str:
    """All of them as Markdown."""
    head = "| | target | ours | reached | peers in one run with ours |"
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *(t.row(results) for t in TARGETS)])
