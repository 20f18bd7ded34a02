"""Which runs are wanted of many."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.model.ids import RunId
from orchestrator.model.run import Run
from orchestrator.model.states import LATE, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a listing shows; the empty collection or None stands for any."""

    deployment: str | None = None
    """The full name."""
    states: Collection[State | str] = ()
    """Any of these, as shown: ``Late`` too."""
    tags: Collection[str] = ()
    """All of these."""
    since_ms: int | None = None
    """Created at this instant or later."""
    until_ms: int | None = None
    """Created before this instant."""
    text: str = ""
    """In its name or id, in any case."""
    parent: RunId | None = None
    """Asked for by this run."""

    @property
    def is_picky(self) -> bool:
        """Records must be read to know which are wanted."""
        return bool(self.states or self.tags or self.text)

    def takes(self, run: Run, now_ms: int) -> bool:
        """Whether the run is among those wanted, as far as its record tells."""
        return (
            (not self.states or not {run.state, run.shown_state(now_ms)}.isdisjoint(self.states))
            and set(self.tags) <= set(run.tags)
            and self.text.lower() in f"{run.name}\n{run.id}".lower()
        )

    def takes_child(self, run: Run, now_ms: int) -> bool:
        """The same where no index was asked for its deployment and time."""
        return (
            self.deployment in (None, run.deployment)
            and (self.since_ms is None or run.created_at >= self.since_ms)
            and (self.until_ms is None or run.created_at < self.until_ms)
            and self.takes(run, now_ms)
        )

    def sieve(self) -> dict[str, str]:
        """The same for ``scan_runs``, which lets through what it cannot judge: lateness, letters
        beyond ASCII, tags that are parts of other texts."""
        states = {State.SCHEDULED if each == LATE else each for each in self.states}
        return {
            "states": f" {' '.join(sorted(states))} " if states else "",
            "tags": "\n".join(json.dumps(tag, ensure_ascii=False) for tag in self.tags),
            "text": self.text.lower(),
        }
