"""The serving process: claims runs, keeps their leases, has them executed, writes how they ended.

It never imports user code: a spawner does, a process below this one. Nothing imports this package
by name; ``orchestrator.programs`` loads it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys

INVALID_SPEC = 2


def main(arguments: list[str]) -> int:
    """Serve what a spec says (``--spec-fd N``), or ``report`` a runner that died; the exit code."""
    if arguments == ["report"]:
        from .reporting import report

        return report()
    parser = argparse.ArgumentParser(prog="runner")
    parser.add_argument("--spec-fd", type=int, required=True)
    parser.add_argument("--parent-fd", type=int)
    given = parser.parse_args(arguments)
    return _serve(given.spec_fd, given.parent_fd)


def _serve(spec_fd: int, parent_fd: int | None) -> int:
    from orchestrator.model.errors import InvalidInput
    from orchestrator.model.serving import ServingSpec

    from .codebases import codebases
    from .events import start_logging
    from .strays import adopt_orphans

    # Until the service listens, a Ctrl-C just ends this process, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    start_logging()
    try:
        with open(spec_fd) as file:
            spec = ServingSpec.from_json(json.load(file))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        sys.stderr.write(f"the runner got no valid spec: {fault!r}\n")
        return INVALID_SPEC
    adopt_orphans()
    # Before anything heavy is imported: user code is loaded meanwhile, in another process.
    places = codebases(spec)
    from .service import serve

    try:
        return asyncio.run(serve(spec, places, parent_fd))
    except InvalidInput as fault:
        sys.stderr.write(f"{fault}\n")
        return INVALID_SPEC
    finally:
        _drop_what_has_no_room()


def _drop_what_has_no_room() -> None:
    """Where the disk below is full (F72), Python's own last flush would change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
