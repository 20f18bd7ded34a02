"""What a host has none left of: no fault of the run that needed it."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterable

_LACKS = {
    errno.EAGAIN: "processes",
    errno.ENOMEM: "memory",
    errno.EMFILE: "file descriptors",
    errno.ENFILE: "file descriptors",
}


def lacking(error: OSError) -> str | None:
    """What was missing, for people; None when the error has another cause."""
    what = None if error.errno is None else _LACKS.get(error.errno)
    return None if what is None else f"no {what} left"


def spare_some(descriptors: Iterable[int], reserve: int) -> None:
    """Return when so many more descriptors could be opened here.

    Raises:
        OSError: EMFILE. They are numbered from below, and one of these is too near the limit.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and max(descriptors) + reserve >= most:
        raise out_of_descriptors()


def out_of_descriptors() -> OSError:
    """As the system says it."""
    return OSError(errno.EMFILE, os.strerror(errno.EMFILE))
