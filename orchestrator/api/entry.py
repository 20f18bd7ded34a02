"""How the API begins in a process of its own: ``--fd N``, a socket that listens already."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import Sequence

from orchestrator.api.serving import serve_api
from orchestrator.model.errors import InvalidOption
from orchestrator.settings import load_settings

USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    parser = argparse.ArgumentParser(prog="api")
    parser.add_argument("--fd", type=int, required=True, help="a socket that listens")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s api: %(message)s")
    try:
        serve_api(load_settings(), socket.socket(fileno=given.fd))
    except InvalidOption as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    return 0
