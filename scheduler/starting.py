"""Starting: whether the server that is configured can be used."""

from __future__ import annotations

import asyncio
import logging
import time

from orchestrator.model.errors import ServerRefused, ServerUnavailable
from orchestrator.store.caller import AsyncStore
from orchestrator.store.checks import check_server, server_facts

PATIENCE_SECONDS = 5.0
"""A server that starts together with us gets so long."""

_log = logging.getLogger(__name__)


async def check_start(store: AsyncStore) -> None:
    """Return once the server answers and can be used.

    Raises:
        ServerUnavailable: nobody answered in time.
        ServerRefused: it must not be used like this; the error says what to change.
    """
    for finding in check_server(await _first_answer(store)):
        if finding.level == "refuse":
            raise ServerRefused(store.url, finding.what, finding.remedy)
        if finding.level == "warn":
            _log.warning("%s; %s", finding.what, finding.remedy)


async def _first_answer(store: AsyncStore) -> dict[str, str]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await store.call(server_facts())
        except ServerRefused:
            raise
        except ServerUnavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
