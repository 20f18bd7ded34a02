"""The few system calls that Python does not offer. Where the system lacks one, nothing happens."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Collection
from contextlib import suppress

_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_KILL = int(signal.SIGKILL)
_LINE_BY_LINE = 1  # _IOLBF, on Linux and macOS alike
_LAST_DESCRIPTOR = 2**31 - 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_sigsetmask = getattr(_LIBC, "sigsetmask", None)
_close_range = getattr(_LIBC, "close_range", None)


def adopt_orphans() -> None:
    """From now on descendants whose parent died become children of this process."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """SIGKILL for this process as soon as ``parent`` ends; leaves at once if it already has.

    The kernel watches the parent's *thread* that made this process: a spawner has only one.
    """
    _prctl(_SET_DEATH_SIGNAL, _KILL)
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Undo ``die_with``."""
    _prctl(_SET_DEATH_SIGNAL, 0)


def hear_all_signals() -> None:
    """Block none any more. Where the C library can, without the enumerations that Python makes of
    the old mask: a forked process pays for them by the page."""
    if _sigsetmask is None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    else:
        _sigsetmask(0)


def prepare_c_streams() -> None:
    """Have C code's output written line by line, as on a terminal: what waits in a buffer is lost
    when the process is killed, and comes after what others have printed since."""
    for name in ("stdout", "__stdoutp"):  # glibc and musl, macOS
        with suppress(ValueError):
            _LIBC.setvbuf(ctypes.c_void_p.in_dll(_LIBC, name), None, _LINE_BY_LINE, 0)


def flush_c_streams() -> None:
    """Write out what C code has printed: it is lost, or written twice, across exit and fork."""
    _LIBC.fflush(None)


def open_descriptors() -> set[int]:
    """The numbers of all descriptors of this process."""
    listed = {int(name) for name in os.listdir("/dev/fd")}  # noqa: PTH208 - once per run
    # The listing itself used one, closed by now.
    return {descriptor for descriptor in listed if _is_open(descriptor)}


def close_all_but(kept: Collection[int]) -> None:
    """Close every other descriptor of this process.

    By ranges, where the system can: one by one, each run beside this one costs two system calls.
    """
    if not _closed_between(sorted(kept)):
        for descriptor in open_descriptors() - {*kept}:
            os.close(descriptor)


def _closed_between(kept: list[int]) -> bool:
    """Close all between these; False: this system (Linux before 5.9), or its sandbox, does not."""
    if _close_range is None:
        return False
    first = 0
    for descriptor in (*kept, _LAST_DESCRIPTOR + 1):
        if first < descriptor and _close_range(first, descriptor - 1, 0) != 0:
            return False
        first = descriptor + 1
    return True


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux" and _LIBC.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")
