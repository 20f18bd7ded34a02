"""Importing a stored flow into a process that has imports of its own.

Names would get mixed up: the script's neighbours may be called like the repository's, and two
commits of one repository have the same names throughout. So it is imported as a spawner does,
without the script's folder, and what was there before is there again afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from orchestrator.execution.loading import LoadedFlow, load_flow
from orchestrator.execution.sources import is_installed


def import_stored(folder: str, entry: Mapping[str, str]) -> LoadedFlow:
    """The flow at a place inside a checkout.

    Raises:
        FlowNotLoaded: there is no such file, or no such flow in it.
        BaseException: whatever the module raised.
    """
    source = dict(entry)
    if "path" in source:
        source["path"] = str(Path(folder, source["path"]))
    with _alone(Path(folder)):
        flow = load_flow(source)
        _ = flow.parameter_schema  # annotations are resolved while names still lead here
        return flow


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    path, writes = list(sys.path), sys.dont_write_bytecode
    hidden = {name: m for name, m in sys.modules.items() if _is_the_scripts(m)}
    for name in hidden:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(p for p in path if Path(p).resolve() != _script_folder())]
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writes
        # The flow keeps what it has imported; nobody else finds it by its name.
        for name in [n for n, module in sys.modules.items() if _lies_in(module, folder.resolve())]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _is_the_scripts(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return (
        module is not sys.modules["__main__"]
        and _lies_in(module, _script_folder())
        and not is_installed(file or "")
    )


def _script_folder() -> Path:
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()


def _lies_in(module: ModuleType, folder: Path) -> bool:
    # A folder without `__init__.py` has no file.
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return isinstance(place, str) and Path(place).resolve().is_relative_to(folder)
