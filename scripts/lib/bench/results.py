"""What has been measured, kept in a file: each section as it was measured last, and how."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure
from bench.machine import busy_cores

QUIET_CORES = 0.15
LOOK_SECONDS = 3.0


@dataclass(frozen=True)
class Section:
    """The figures of one section, and what must be known to read them."""

    taken: str
    machine: str
    busy: float | None
    """Cores that others kept busy just before; None: it was seen to that there were no others."""
    figures: list[Figure] = field(default_factory=list)

    @property
    def provenance(self) -> str:
        """When and where, as one sentence."""
        how = "quiet"
        if not self.is_quiet:
            how = f"busy with other work ({self.busy:.1f} cores of it just before)"
        return f"Taken {self.taken}, {self.machine}; the machine was {how}."

    @property
    def is_quiet(self) -> bool:
        """Whether others left the machine alone when it began."""
        return self.busy is None or self.busy < QUIET_CORES

    def points(self, against: str) -> list[Figure]:
        """Of the curves that this grows along."""
        return [each for each in self.figures if each.against == against]


Results = dict[str, Section]


def take(measure: Callable[[], Sequence[Figure]]) -> Section:
    """Measure one section now."""
    taken = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    busy = round(busy_cores(LOOK_SECONDS), 2)
    return Section(taken, machine, busy, list(measure()))


def read(path: Path) -> Results:
    """What the file holds; nothing when there is none."""
    if not path.exists():
        return {}
    document = json.loads(path.read_text())
    return {
        name: Section(**{**found, "figures": [Figure(**each) for each in found["figures"]]})
        for name, found in document.items()
    }


def keep(path: Path, results: Results) -> None:
    """Write the sections over those of the same names in the file."""
    merged = {**read(path), **results}
    document = {name: _plain(section) for name, section in sorted(merged.items())}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _plain(section: Section) -> dict[str, object]:
    """Without what is not known of a figure."""
    defaults = {each.name: each.default for each in fields(Figure)}
    figures = [
        {name: value for name, value in asdict(each).items() if value != defaults[name]}
        for each in section.figures
    ]
    return {**asdict(section), "figures": figures}
