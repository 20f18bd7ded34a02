"""Everything that the checker judges, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from soak.attempts import Attempt
from soak.history import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One trial."""

    accepted: Sequence[str]
    """Runs whose creation was acknowledged."""
    runs: Mapping[str, Run]
    """Every record at the end, scheduled runs too."""
    waits: Mapping[RunId, str] = field(default_factory=dict)
    """What the product says of why a run that is not over waits."""
    finals: Mapping[RunId, Run] = field(default_factory=dict)
    """Records as they were when they were first seen to be final."""
    attempts: Mapping[str, list[Attempt]] = field(default_factory=dict)
    """Run -> what the witness saw."""
    events: Sequence[Event] = ()
    keys: Sequence[str] = ()
    """Violations that the keys themselves show (I11-I14, I17), and keys left over."""
    orphans: Sequence[str] = ()
    """Processes that outlived every host."""
    zombies: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    """Writes of runners that had lost their lease, by kind."""
    began_ms: float = 0.0
    calm_ms: float = 0.0
    """When the last fault had ended (wall clock)."""
    lateness: float = 0.0
    """Seconds by which the harness's own short sleeps were late at worst: a starved machine."""

    written_later: int = 0
    """Records that a later version of the package wrote, among others or alone."""
    descriptors: Sequence[str] = ()
    """Programs that hold many more than when they began."""

    _by_kind: Mapping[str, Sequence[Event]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_kind: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            by_kind[event.kind].append(event)
        object.__setattr__(self, "_by_kind", by_kind)  # asked for each mark of each run

    def may_be_forgotten(self, at: int) -> bool:
        """Whether the server may have lost what it answered then (CLOCK_MONOTONIC in ns)."""
        return any(
            event.began <= at <= event.ended
            for event in self.of_kind("cut journal")
            if event.answer
        )

    def of_kind(self, *kinds: str) -> Sequence[Event]:
        """In the order in which they ended."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return sorted(chain(*(self.of_kind(kind) for kind in kinds)), key=attrgetter("ended"))
