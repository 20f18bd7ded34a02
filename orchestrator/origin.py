"""Where a flow is found again by another process: a file, a module, or nowhere."""

from __future__ import annotations

import base64
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from orchestrator.model.errors import FlowNotLoaded, InvalidOption

Source = dict[str, str]
"""``{"path", "qualname"}``, ``{"module", "qualname"}`` or ``{"pickle"}``."""


class EntrypointType(Enum):
    """How another process finds a flow."""

    FILE_PATH = "file_path"
    """``flows.py:nightly``"""
    MODULE_PATH = "module_path"
    """``shop.flows:nightly``"""


class Wrapper(Protocol):
    """A flow, as far as finding it again goes."""

    @property
    def fn(self) -> Callable[..., Any]: ...


def source_file(fn: Callable[..., Any]) -> Path | None:
    """The file that the function was written in; None in a shell or notebook."""
    code = getattr(inspect.unwrap(fn), "__code__", None)
    path = Path(code.co_filename) if code is not None else None
    return path.resolve() if path is not None and path.is_file() else None


def source_hash(fn: Callable[..., Any]) -> str | None:
    """Twelve characters that change with the file that the function was written in."""
    path = source_file(fn)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path else None


def entrypoint_type(given: object) -> EntrypointType | None:
    """How the flow is to be found, when somebody says so.

    Raises:
        InvalidOption: there is no such way.
    """
    if given is None:
        return None
    try:
        return EntrypointType(str(getattr(given, "value", given)).lower())
    except ValueError:
        why = "must be one of FILE_PATH, MODULE_PATH"
        raise InvalidOption("entrypoint_type", given, why) from None


def source_of(flow: Wrapper, kind: EntrypointType | None = None) -> Source:
    """How another process gets this very flow: by place if it has one, else by value. ``kind``
    asks for a file or a module.

    Raises:
        FlowNotLoaded: it has no place, and holds something that cannot be pickled.
        InvalidOption: it has no place of the kind asked for.
    """
    module = sys.modules.get(getattr(flow.fn, "__module__", ""))
    # Only under the name it was written with: another one may be a loop's variable, or exist only
    # below `if __name__ == "__main__"`, and so mean something else in the other process.
    if module is not None and _named(module, _qualname(flow)) is flow:
        place = _place(module) if kind is None else _PLACES[kind](module)
        if place:
            return {**place, "qualname": _qualname(flow)}
    if kind is not None:
        why = f"{_qualname(flow)} is found in no {kind.value.partition('_')[0]} by its name"
        raise InvalidOption("entrypoint_type", kind.name, why)
    return {"pickle": _pickled(flow)}


def import_path() -> tuple[str, ...]:
    """The folders in which this process finds modules that are not installed."""
    installed = {
        sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    folders = (Path(folder).resolve() for folder in sys.path)
    return tuple(
        dict.fromkeys(
            str(folder)
            for folder in folders
            if folder.is_dir() and not any(folder.is_relative_to(path) for path in installed)
        )
    )


def entrypoint_of(flow: Wrapper, source: Source) -> str:
    """The source for people: ``flows.py:nightly``, ``shop.flows:nightly``."""
    if "path" in source:
        return f"{_relative(Path(source['path']))}:{source['qualname']}"
    if "module" in source:
        return f"{source['module']}:{source['qualname']}"
    path = source_file(flow.fn)
    return f"{_relative(path) if path else '<pickled>'}:{_qualname(flow)}"


def _named(module: ModuleType, qualname: str) -> Any:
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _place(module: ModuleType) -> Source | None:
    return _named_place(module) or _place_of_file(module)


def _named_place(module: ModuleType) -> Source | None:
    """By name, if it was imported by one."""
    spec = getattr(module, "__spec__", None)
    if module.__name__ == "__main__" and spec is None:
        return None
    # python -m: relative imports must work, and __main__ has its own name in its spec
    return {"module": module.__name__ if spec is None else spec.name}


def _place_of_file(module: ModuleType) -> Source | None:
    path = getattr(module, "__file__", None)
    return {"path": str(Path(path).resolve())} if path else None


def _place_of_module(module: ModuleType) -> Source | None:
    if place := _named_place(module):
        return place
    path = getattr(module, "__file__", None)
    # A script's folder is first on its path: beside it, it is a module by its own name.
    return {"module": Path(path).stem} if path and Path(path).stem.isidentifier() else None


_PLACES = {
    EntrypointType.FILE_PATH: _place_of_file,
    EntrypointType.MODULE_PATH: _place_of_module,
}


def _pickled(flow: Wrapper) -> str:
    import cloudpickle  # type: ignore[import-untyped]  # ships no types

    try:
        return base64.b64encode(cloudpickle.dumps(flow)).decode()
    except Exception as error:  # any __reduce__ of the user's may raise anything
        raise FlowNotLoaded(
            _qualname(flow),
            f"another process cannot find it by name, and it cannot be pickled: {error}; "
            "define the flow at the top level of a file",
        ) from error


def _qualname(flow: Wrapper) -> str:
    name: str = getattr(flow.fn, "__qualname__", type(flow.fn).__qualname__)
    return name


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
