"""``orchestrator version``."""

from __future__ import annotations

import platform

from orchestrator.cli.output import Output, OutputOption, print_document
from orchestrator.version import __version__


def version(output: OutputOption = Output.TEXT) -> None:
    """Say which version this is."""
    if output is Output.JSON:
        print_document({"version": __version__, "python": platform.python_version()})
    else:
        print(f"orchestrator {__version__} (Python {platform.python_version()})")
