"""Puts what was measured into the pages of ``docs``, where they have a place for it:

    <!-- bench: targets -->        the table of targets, ours and the peers'
    <!-- bench: peers -->          a section's figures; curves as a picture and a table
    <!-- /bench -->                ends each of them

A place for what was never measured stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench import targets
from bench.figures import curve_table, table
from bench.plots import plot
from bench.results import Results, Section

DOCS = Path(__file__).resolve().parents[3] / "docs"
_PLACE = re.compile(r"(<!-- bench: (.+?) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def write(results: Results) -> list[Path]:
    """The pages that are different now."""
    changed = []
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text()
        after = _PLACE.sub(lambda place: _filled(place, results), before)
        if after != before:
            page.write_text(after)
            changed.append(page)
    return changed


def _filled(place: re.Match[str], results: Results) -> str:
    begin, name, end = place.groups()
    if name == "targets":
        return f"{begin}{targets.table(results)}\n{end}"
    if name not in results:
        return place.group()
    return f"{begin}{_section(name, results[name])}\n{end}"


def _section(name: str, section: Section) -> str:
    parts = [section.provenance]
    if plain := section.points(""):
        parts.append(table(plain))
    for against in dict.fromkeys(each.against for each in section.figures if each.against):
        points = section.points(against)
        picture = DOCS / "plots" / f"{name}.svg"
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(plot(points))
        parts += [f"![{name}](plots/{name}.svg)", curve_table(points)]
    return "\n\n".join(parts)
