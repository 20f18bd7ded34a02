"""The command line of the soak test."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import SystemRandom

from soak.checker import judge
from soak.figures import figures
from soak.fleet import Code
from soak.profile import PROFILES
from soak.report import report
from soak.trial import trial


def main() -> int:
    """1 when an invariant was violated."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="quick")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--runs", type=int, help="another number of runs")
    parser.add_argument("--other", metavar="COMMIT", help="mix with that version, not a later one")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    chosen = parser.parse_args()
    profile = PROFILES[chosen.profile]
    if chosen.runs:
        profile = replace(profile, runs=chosen.runs)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    sys.stderr.write(f"profile {chosen.profile}, seed {chosen.seed}, logs in {folder}\n")
    began = time.monotonic()
    code, home = Code.copied(folder / "code"), folder / "other"
    other = Code.of_commit(chosen.other, home) if chosen.other else Code.later(home)
    with trial(profile, chosen.seed, folder, code, other) as soak:
        # Who cannot wait gets a judgement of what has happened so far.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: soak.enough.set())
        evidence = soak.run()
    violations = judge(evidence)
    shown = {
        "profile, seed": f"{chosen.profile}, {chosen.seed}",
        "seconds": round(time.monotonic() - began),
        **figures(evidence),
    }
    print(report(shown, violations))
    if chosen.json:
        document = {**shown, "violations": [str(violation) for violation in violations]}
        chosen.json.write_text(json.dumps(document, indent=1))
    if not violations:
        shutil.rmtree(folder)
    return 1 if violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
