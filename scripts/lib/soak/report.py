"""What people read: the figures, the violations, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from soak.checker import Violation, counts

MOST_SHOWN = 20

ZEROS = {
    "lost": ("I1",),
    "executed at the same time": ("I4", "I5"),
    "begun without leave": ("I6",),
    "made twice by repeated requests": ("I15",),
    "cancelled and begun later": ("I9",),
    "claimed or begun while held": ("I10",),
    "attempts over budget": ("I11",),
    "ends that changed": ("I7",),
    "schedule: doubled, missed or made in a pause": ("I2/I3",),
    "processes left over": ("I16",),
    "descriptors left over": ("I17",),
    "keys that break an invariant": ("keys",),
}


def report(figures: Mapping[str, Any], violations: Sequence[Violation]) -> str:
    """A Markdown table, and the violations behind it."""
    tally = counts(list(violations))
    rows = [(name, _text(value)) for name, value in figures.items()]
    rows += [(f"**{name}**", f"**{sum(tally[i] for i in ids)}**") for name, ids in ZEROS.items()]
    lines = ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    if violations:
        lines += ["", f"{len(violations)} violations:"]
        lines += [f"- {violation}" for violation in violations[:MOST_SHOWN]]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        if set(value) == {"count", "median", "p99", "most"}:
            median, p99, most = (f"{value[name]:.2f}" for name in ("median", "p99", "most"))
            return f"{value['count']}: median {median} s, p99 {p99} s, max {most} s"
        return "; ".join(f"{name}: {_text(each)}" for name, each in value.items()) or "none"
    return "none" if value is None else str(value)
