"""Whole process trees: who belongs to one, and how a signal reaches every member.

A run process adopts its orphans, so everything it ever started is below it as long as it lives,
and below the spawner once it is gone: trees are complete by parent ids, whatever called setsid.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_HAS_CHILDREN_FILES = Path(f"/proc/self/task/{os.getpid()}/children").exists()
"""Whether this kernel lists children (CONFIG_PROC_CHILDREN); else all of /proc is read."""


def children_of(pid: int) -> list[int]:
    """The direct children, zombies included. Of this process: all, since only it takes any away."""
    if _HAS_CHILDREN_FILES:
        return _listed_children(pid)
    return [child for child, parent in _parents().items() if parent == pid]


def descendants_of(*roots: int) -> dict[int, int]:
    """Everything below ``roots``, as child -> parent, parents before their children."""
    if _HAS_CHILDREN_FILES:
        return _walk(roots, _listed_children)
    below: dict[int, list[int]] = {}
    if roots:
        for child, parent in _parents().items():
            below.setdefault(parent, []).append(child)
    return _walk(roots, lambda pid: below.get(pid, []))


def stop(root: int, handle: int) -> None:
    """SIGSTOP every process of the tree; when this returns, none is left that could fork."""
    send(handle, signal.SIGSTOP)
    stopped: set[int] = set()
    while new := [pair for pair in descendants_of(root).items() if pair[0] not in stopped]:
        for pid, parent in new:
            send_below(pid, parent, signal.SIGSTOP)
            stopped.add(pid)


def resume(root: int, handle: int) -> None:
    """SIGCONT for every process of the tree."""
    spread(root, handle, signal.SIGCONT)


def terminate(root: int, handle: int) -> None:
    """SIGTERM for every process of the tree, the root first: it knows why its children end."""
    spread(root, handle, signal.SIGTERM)


def spread(root: int, handle: int, number: signal.Signals) -> None:
    """One signal for root and descendants."""
    send(handle, number)
    for pid, parent in descendants_of(root).items():
        send_below(pid, parent, number)


def send(handle: int, number: signal.Signals) -> bool:
    """Signal the process behind a pidfd; False when it is gone. Never hits another (F33)."""
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    return True


def send_below(pid: int, parent: int, number: signal.Signals) -> None:
    """Signal a process found under ``parent``, unless its id already means something else."""
    # An orphan moved up meanwhile is skipped; whoever walks again finds it.
    with _pinned(pid, parent) as handle:
        if handle is not None:
            send(handle, number)


def kill(root: int, parent: int) -> None:
    """SIGKILL a child of ``parent`` and all below it, none of which can fork meanwhile."""
    with _pinned(root, parent) as handle:
        if handle is not None:
            stop(root, handle)
            kill_below([root])
            send(handle, signal.SIGKILL)


def kill_below(roots: Iterable[int]) -> None:
    """SIGKILL everything below these processes (not themselves)."""
    for pid, parent in descendants_of(*roots).items():
        send_below(pid, parent, signal.SIGKILL)


@contextmanager
def _pinned(pid: int, parent: int) -> Iterator[int | None]:
    """A pidfd of this child of ``parent``; None when it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        # Asked now that the handle pins the process: an id used anew has another parent.
        yield handle if _parent_of(pid) == parent else None
    finally:
        os.close(handle)


def _walk(roots: Iterable[int], children: Callable[[int], list[int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    ahead = [*roots]
    while ahead:
        parent = ahead.pop()
        for child in children(parent):
            if child not in found:
                found[child] = parent
                ahead.append(child)
    return found


def _listed_children(pid: int) -> list[int]:
    # A child belongs to the thread that forked it.
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_bytes().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # the process, or one of its threads, ended: what it had is found further up
    return found


def _parents() -> dict[int, int]:
    """Every process on this system and its parent."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - plain names, thousands of them
        if name.isdigit() and (parent := _parent_of(int(name))) is not None:
            found[int(name)] = parent
    return found


def _parent_of(pid: int) -> int | None:
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(file, 512)
        finally:
            os.close(file)
    except (FileNotFoundError, ProcessLookupError):
        return None
    # "pid (name) state ppid ...", and a name may hold anything, brackets too.
    return int(text.rpartition(b")")[2].split(None, 2)[1])
