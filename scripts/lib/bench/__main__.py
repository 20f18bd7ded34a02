"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import events, pages, peers, product, recovery, simulate
from bench.figures import Figure, table

Section = Callable[[argparse.Namespace], list[Figure]]

SECTIONS: dict[str, Section] = {
    "product": lambda chosen: product.measure(chosen.runs),
    "events": lambda _: events.measure(),
    "peers": lambda _: peers.measure(),
    "recovery": lambda _: recovery.measure(),
    "pages": lambda chosen: pages.measure(chosen.deployments, chosen.finished),
    "simulate": lambda chosen: simulate.measure(chosen.runners),
}
"""By the name that is typed; each says in its module what it measures."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("sections", nargs="*", default=["product"], metavar="SECTION",
                        help=f"of {', '.join(SECTIONS)} (default: product)")  # fmt: skip
    parser.add_argument("--runs", type=int, default=2000, help="runs of the throughput figure")
    parser.add_argument("--runners", type=int, default=1000, help="simulated ones")
    parser.add_argument("--deployments", type=int, default=1000, help="behind the pages")
    parser.add_argument("--finished", type=int, default=1_000_000, help="runs behind the pages")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    chosen = parser.parse_args()
    if unknown := set(chosen.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}")
    measured = {}
    for name in chosen.sections:
        sys.stderr.write(f"measuring: {name}\n")
        measured[name] = SECTIONS[name](chosen)
        print(f"\n## {name}\n\n{table(measured[name])}")
    if chosen.json:
        document = {name: [asdict(each) for each in found] for name, found in measured.items()}
        chosen.json.write_text(json.dumps(document, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
