"""The one door to the programs ``runner`` and ``scheduler`` that lie beside this package.

Nothing else says ``import runner``: a user's own ``runner.py`` would answer. Processes that run
user code never come here.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Literal, Protocol, cast

HOME = Path(__file__).resolve().parents[1]
"""The folder that holds ``orchestrator/``, ``runner/`` and ``scheduler/``."""


class Program(Protocol):
    """What a program's package offers."""

    def main(self, arguments: list[str]) -> int:
        """Run it; the exit code."""


def load_program(name: Literal["runner", "scheduler"]) -> Program:
    """A program from beside this package, wherever else its name may be taken.

    Raises:
        ProgramMissing: the folder is not there.
    """
    from orchestrator.model.errors import ProgramMissing

    spec = PathFinder.find_spec(name, [str(HOME)])
    if spec is None or spec.loader is None:
        raise ProgramMissing(name, HOME)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return cast(Program, module)


def command_of(name: Literal["runner", "scheduler"], *arguments: str) -> list[str]:
    """The command line that starts a program in a fresh process, by path and with ``-P``."""
    return [sys.executable, "-P", str(Path(__file__).resolve()), name, *arguments]


def api_command(*arguments: str) -> list[str]:
    """The same for the API. Whoever starts it need not import what it imports."""
    program = HOME / "orchestrator" / "api" / "__main__.py"
    return [sys.executable, "-P", str(program), *arguments]


if __name__ == "__main__":
    # Started by path: sys.path lacks us. Appended, never first: site-packages must not shadow
    # the standard library.
    if str(HOME) not in sys.path:
        sys.path.append(str(HOME))
    raise SystemExit(load_program(sys.argv[1]).main(sys.argv[2:]))  # type: ignore[arg-type]
