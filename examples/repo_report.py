"""What happened in a git repository: who committed when, which files grew, which days were busy."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator import flow, get_run_logger

RECORD, FIELD = "\x1e", "\x1f"
FORMAT = f"{RECORD}%aN{FIELD}%ad{FIELD}"


@flow
def repo_report(path: str = ".", most: int = 10) -> dict[str, Any]:
    """Report on the history of a git repository.

    Args:
        path: any folder inside the repository
        most: how many files, days and authors to name
    """
    root = Path(git(path, "rev-parse", "--show-toplevel").strip())
    report = summarize(history(root), most)
    log_tables(root, report)
    return {"repository": root.name, **report}


def history(root: Path) -> str:
    """Every commit of HEAD with author, day and lines per file; renames count as delete and add."""
    return git(
        root, "log", "--no-renames", "--numstat", "--date=format:%Y-%m-%d", f"--format={FORMAT}"
    )


def summarize(log: str, most: int) -> dict[str, Any]:
    """Commits per author and month, files by growth in lines, days by commits."""
    authors: Counter[str] = Counter()
    months: dict[str, Counter[str]] = {}
    days: Counter[str] = Counter()
    growth: Counter[str] = Counter()
    for record in log.split(RECORD)[1:]:
        author, day, changes = record.split(FIELD)
        authors[author] += 1
        months.setdefault(author, Counter())[day[:7]] += 1
        days[day] += 1
        for line in changes.split("\n"):
            added, _, rest = line.partition("\t")
            removed, _, name = rest.partition("\t")
            if added.isdigit() and removed.isdigit():  # a binary file says "-"
                growth[name] += int(added) - int(removed)
    return {
        "commits": authors.total(),
        "authors": dict(authors.most_common()),
        "months": {author: dict(sorted(counts.items())) for author, counts in months.items()},
        "grown": dict(growth.most_common(most)),
        "busiest_days": dict(days.most_common(most)),
    }


def log_tables(root: Path, report: dict[str, Any]) -> None:
    """The report for people, in the run's log."""
    logger = get_run_logger()
    logger.info("%s: %d commits", root.name, report["commits"])
    for author, months in report["months"].items():
        per_month = "  ".join(f"{month}: {count}" for month, count in months.items())
        logger.info("  %5d  %-30s %s", report["authors"][author], author, per_month)
    for title, key in (("lines grown", "grown"), ("commits on the busiest days", "busiest_days")):
        logger.info("%s", title)
        for name, count in report[key].items():
            logger.info("  %6d  %s", count, name)


def git(path: str | Path, *words: str) -> str:
    """What git prints; its own words when it refuses."""
    done = subprocess.run(["git", "-C", str(path), *words], capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    repo_report.serve(name="here", cron="0 6 * * *", tags=["git"])
