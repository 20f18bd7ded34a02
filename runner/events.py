"""What the runner says of itself: a fixed sentence and fields, one line each, on stderr."""

from __future__ import annotations

import logging
import sys

_log = logging.getLogger("orchestrator.runner")


def start_logging() -> None:
    """Send events to stderr; standard output belongs to the banner and to the user."""
    # A line for each run: what is looked up for a record and never shown took half of its time
    # ("Optimization" in Python's logging HOWTO).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s runner: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


def info(sentence: str, /, **fields: object) -> None:
    """Something that an operator may want to know."""
    _say(logging.INFO, sentence, fields)


def warning(sentence: str, /, **fields: object) -> None:
    """Something that an operator should look at when it goes on."""
    _say(logging.WARNING, sentence, fields)


def error(sentence: str, /, *, trace: BaseException | None = None, **fields: object) -> None:
    """Something that should not happen."""
    _say(logging.ERROR, sentence, fields, trace)


def _say(
    level: int, sentence: str, fields: dict[str, object], trace: BaseException | None = None
) -> None:
    tail = "".join(f" {name}={value}" for name, value in fields.items() if value is not None)
    _log.log(level, "%s%s", sentence, tail, exc_info=trace)
