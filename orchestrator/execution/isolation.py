"""Whether this process may fork runs, and if not, why, naming what stands in the way.

A forked process has one thread; a lock that another thread held at that moment stays locked for
ever (F64). So one Python thread is allowed, and native ones only when they are the pool of a
library that takes care of forks itself. And what ``multiprocessing`` shares with forked processes,
all runs would share: one would get what another's workers have done.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path

SAFE_POOLS = {
    "openblas": "OpenBLAS stops its pool before a fork and starts it again after",
    "libmkl": "MKL computes in the calling thread after a fork",
    "libblis": "BLIS starts its threads per call",
    "libgomp": "idle OpenMP workers hold no lock; the child makes its own",
    "libiomp5": "the OpenMP runtime registers fork handlers",
    "libomp": "the OpenMP runtime registers fork handlers",
}
"""Part of a library's file name -> why its idle threads do not make a fork unsafe."""


def why_not_fork() -> str | None:
    """None when forking is safe here; else the reason, for people."""
    return _python_threads() or _native_threads() or _shared_locks()


def _python_threads() -> str | None:
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if not others:
        return None
    names = ", ".join(f"{thread.name!r} ({_origin(thread)})" for thread in others[:3])
    return f"importing the code started {_count(len(others), 'thread')}: {names}"


def _origin(thread: threading.Thread) -> str:
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) or type(thread).__module__


def _native_threads() -> str | None:
    try:
        names = _thread_names()
    except FileNotFoundError:
        return "this system does not show a process's threads"
    own = names.pop(str(os.getpid()), "")
    if not names:
        return None
    libraries = _loaded_libraries()
    strangers = [name for name in names.values() if name != own]
    pools = [library for library in libraries if any(pool in library for pool in SAFE_POOLS)]
    if pools and not strangers:
        return None
    hint = ", ".join(sorted(set(strangers))) or ", ".join(_extensions(libraries)) or "unknown"
    return f"importing the code started {_count(len(names), 'native thread')} ({hint})"


def _shared_locks() -> str | None:
    """Pools, queues and locks of multiprocessing all hold such a lock."""
    synchronize = sys.modules.get("multiprocessing.synchronize")
    if synchronize is None or not any(
        issubclass(type(each), synchronize.SemLock) for each in gc.get_objects()
    ):
        return None
    return "importing the code made a pool, queue or lock of multiprocessing"


def _thread_names() -> dict[str, str]:
    """Thread id -> name; a library that names its threads tells who it is."""
    tasks = Path("/proc/self/task")
    return {task.name: (task / "comm").read_text().strip() for task in tasks.iterdir()}


def _loaded_libraries() -> list[str]:
    lines = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    paths = {line.split(None, 5)[5] for line in lines if ".so" in line}
    return sorted(Path(path).name for path in paths)


def _extensions(libraries: list[str]) -> list[str]:
    """A few extension modules that are not part of Python."""
    return [name for name in libraries if ".cpython-" in name or ".abi3." in name][:3]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
