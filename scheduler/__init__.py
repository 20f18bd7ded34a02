"""The scheduling process: writes due runs into the streams. Any number may run."""

from __future__ import annotations

import asyncio
import logging
import sys

from orchestrator.model.errors import InvalidOption, ServerRefused, ServerUnavailable
from orchestrator.settings import load_settings

from .working import work

DONE, USAGE, NO_SERVER = 0, 2, 3
"""Exit codes; a bug ends with 1 and its traceback."""


def main(arguments: list[str]) -> int:
    """Schedule until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s scheduler: %(message)s"
    )
    if arguments:
        return _ended(USAGE, f"the scheduler takes no arguments, got {' '.join(arguments)}")
    try:
        settings = load_settings()
        url = settings.redis_url
        if url is None:
            return _ended(NO_SERVER, "no server is configured: set ORCHESTRATOR_REDIS_URL")
        retention_ms = round(settings.retention_days * 86_400_000)
        asyncio.run(work(url, settings.lease_seconds, retention_ms))
    except InvalidOption as error:
        return _ended(USAGE, str(error))
    except (ServerRefused, ServerUnavailable) as error:
        return _ended(NO_SERVER, str(error))
    return DONE


def _ended(code: int, why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return code
