"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import (
    events,
    instants,
    load,
    pages,
    peers,
    product,
    profile,
    recovery,
    report,
    results,
    simulate,
    startup,
    submitting,
)
from bench.curves import CURVES
from bench.figures import Figure, curve_table, table

Measuring = Callable[[argparse.Namespace], list[Figure]]


def _without_options(measure: Callable[[], list[Figure]]) -> Measuring:
    return lambda _: measure()


SECTIONS: dict[str, Measuring] = {
    "product": lambda chosen: product.measure(chosen.runs),
    "submit": lambda _: submitting.measure(),
    "profile": lambda chosen: profile.measure(chosen.runs),
    "load": lambda chosen: load.measure(chosen.runs),
    "events": lambda _: events.measure(),
    "instants": lambda _: instants.measure(),
    "peers": lambda _: peers.measure(),
    "schedules": lambda _: peers.measure_schedules(),
    "crash": lambda _: peers.measure_crash(),
    "idle": lambda _: peers.measure_idle(),
    "cold": lambda _: peers.measure_cold(),
    "startup": lambda _: startup.measure(),
    "prefect": lambda _: peers.measure_prefect(),
    "recovery": lambda _: recovery.measure(),
    "pages": lambda chosen: pages.measure(chosen.deployments, chosen.finished),
    "simulate": lambda chosen: simulate.measure(chosen.runners),
    **{name: _without_options(measure) for name, measure in CURVES.items()},
}
"""By the name that is typed; each says in its module what it measures."""
GROUPS = {
    "curves": tuple(CURVES),
    "all": tuple(SECTIONS),
}
KEPT = report.DOCS / "figures.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("sections", nargs="*", default=["product"], metavar="SECTION",
                        help=f"of {', '.join((*SECTIONS, *GROUPS))} (default: product); or "
                        "report: write what was kept into the pages of docs")  # fmt: skip
    parser.add_argument("--runs", type=int, default=2000, help="runs of the throughput figure")
    parser.add_argument("--runners", type=int, default=1000, help="simulated ones")
    parser.add_argument("--deployments", type=int, default=1000, help="behind the pages")
    parser.add_argument("--finished", type=int, default=1_000_000, help="runs behind the pages")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="keep the figures there, section by section; report reads them from "
                        "there (default for it: docs/figures.json)")  # fmt: skip
    chosen = parser.parse_args()
    names = [name for given in chosen.sections for name in GROUPS.get(given, (given,))]
    if unknown := {*names} - {*SECTIONS, "report"}:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    for name in names:
        if name == "report":
            _report(chosen.json or KEPT)
        else:
            _measure(name, chosen)
    return 0


def _measure(name: str, chosen: argparse.Namespace) -> None:
    sys.stderr.write(f"measuring: {name}\n")
    found = results.take(lambda: SECTIONS[name](chosen))
    print(f"\n## {name}\n\n{found.provenance}\n")
    if plain := found.points(""):
        print(table(plain))
    for against in dict.fromkeys(each.against for each in found.figures if each.against):
        print(f"\n{curve_table(found.points(against))}")
    if chosen.json:
        results.keep(chosen.json, {name: found})


def _report(path: Path) -> None:
    for page in report.write(results.read(path)):
        print(f"changed: {page}")


if __name__ == "__main__":
    raise SystemExit(main())
