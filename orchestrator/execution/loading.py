"""Getting at a flow: from a script's path, a module's name, or a pickle."""

from __future__ import annotations

import base64
import importlib
import pickle
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from orchestrator.execution import context
from orchestrator.model.errors import FlowNotLoaded

Source = dict[str, str]
"""One of {"path", "qualname"}, {"module", "qualname"}, {"pickle"}."""


class LoadedFlow(Protocol):
    """What a flow offers to whoever runs it."""

    fn: Any

    @property
    def parameter_schema(self) -> dict[str, Any]:
        """What can be given to it, as JSON Schema."""

    @property
    def log_prints(self) -> bool:
        """Whether ``print`` becomes lines of the log."""

    @property
    def keeps_result(self) -> bool:
        """Whether what the function returns goes into the record."""

    @property
    def timeout_seconds(self) -> float | None:
        """The time limit, which its spawner enforces."""

    @property
    def hooks(self) -> Mapping[str, Sequence[Any]]:
        """What is called when a run begins or ends: see ``execution.hooks``."""

    def run_name(self, parameters: dict[str, Any]) -> str | None:
        """What to call a run with these parameters; None leaves it its own name."""

    def run_with(self, parameters: dict[str, Any]) -> Any:
        """Build the parameters' values, call the function, wait for it if it is async."""


def load_flow(source: Source) -> LoadedFlow:
    """The flow itself.

    ``__name__`` is never ``"__main__"`` while a script loads, and ``serve`` returns at once.

    Raises:
        FlowNotLoaded: there is no such file, or no such flow in it.
        BaseException: whatever the user's module raised, SystemExit too.
    """
    with context.loading():
        if "pickle" in source:
            # Made by the serving script on this host, handed down a pipe; never stored anywhere.
            return cast(LoadedFlow, pickle.loads(base64.b64decode(source["pickle"])))  # noqa: S301
        if "path" in source:
            module = load_script(Path(source["path"]))
        else:
            module = importlib.import_module(source["module"])
    return _find_flow(module, source["qualname"])


def load_script(path: Path) -> ModuleType:
    """The module of a script, loaded once per process, its folder first on ``sys.path``.

    It has the name under which the script's neighbours would import it, so that its classes can
    be pickled for processes that the run starts.
    """
    path = path.resolve()
    if not path.is_file():
        raise FlowNotLoaded(str(path), "there is no such file")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = _module_name(path)
    if (loaded := sys.modules.get(name)) is not None:
        return loaded
    spec = spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def become_main(flow: LoadedFlow) -> None:
    """Let ``__main__`` be the flow's module: as when the script itself is started.

    Pickles that the script wrote name their classes ``__main__.X``, and multiprocessing asks
    ``__main__`` what its children have to import.
    """
    module = sys.modules.get(getattr(flow.fn, "__module__", ""))
    if module is not None:
        sys.modules["__main__"] = module


def _module_name(path: Path) -> str:
    """The file's own name, unless that already means another module."""
    name = path.stem
    loaded = sys.modules.get(name)
    if name.isidentifier() and (loaded is None or _file_of(loaded) == path):
        return name
    return f"_script_{path.as_posix().encode().hex()}"


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _find_flow(module: ModuleType, qualname: str) -> LoadedFlow:
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if _is_flow(found):
        return cast(LoadedFlow, found)
    flows = [value for value in vars(module).values() if _is_flow(value)]
    for flow in flows:
        if getattr(flow.fn, "__qualname__", None) == qualname:
            return cast(LoadedFlow, flow)
    names = ", ".join(sorted({str(getattr(flow.fn, "__qualname__", flow)) for flow in flows}))
    where = getattr(module, "__file__", None) or module.__name__
    raise FlowNotLoaded(f"{where}:{qualname}", f"no such flow there; found: {names or 'none'}")


def _is_flow(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "run_with") and hasattr(value, "fn")
