"""Listening: the socket, and the process that serves it."""

from __future__ import annotations

import gc
import socket
from typing import Any

import uvicorn

from orchestrator.api.app import create_app
from orchestrator.settings import Settings

GRACE_SECONDS = 3
"""How long requests may go on after the signal to stop."""


def serve_api(settings: Settings, listener: socket.socket) -> None:
    """Serve on a socket that listens, until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,  # addresses hold filters and ids, and nobody reads it
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on",
        ws="none",
    )
    # What is imported is never garbage: looking through it took half the time of a bulk of runs.
    gc.collect()
    gc.freeze()
    _Server(config).run([listener])


class _Server(uvicorn.Server):
    """Ends its streams when it is told to stop (they would end by themselves never), and ends in
    order: uvicorn's own way is to let the signal end the process after all."""

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 - uvicorn's own
        self.config.app.state.stopping.set()  # type: ignore[union-attr]  # it is our own app
        self.force_exit = self.should_exit  # the second signal
        self.should_exit = True
