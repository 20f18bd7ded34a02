"""What the server's and the network's errors mean to us."""

from __future__ import annotations

from redis import exceptions

from orchestrator.model.errors import ServerRefused, ServerUnavailable

REFUSED = (
    exceptions.AuthenticationError,
    exceptions.AuthenticationWrongNumberOfArgsError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
)
UNAVAILABLE = (
    OSError,
    EOFError,
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
_UNAVAILABLE_CODES = (
    "MISCONF", "NOREPLICAS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "OOM",
    "UNBLOCKED", "BUSY ",
)  # fmt: skip
_REFUSED_CODES = ("NOAUTH", "WRONGPASS", "NOPERM")


def meaning(url: str, error: BaseException) -> BaseException:
    """The error of ours that stands for this one; ``url`` comes masked.

    Anything else is a bug of ours (a wrong type, a fault in a script) and stays what it is.
    """
    text = str(error)
    if isinstance(error, REFUSED) or text.startswith(_REFUSED_CODES):
        return ServerRefused(url, text, "Check user, password and rights in REDIS_URL.")
    if isinstance(error, UNAVAILABLE) or text.startswith(_UNAVAILABLE_CODES):
        silent = (
            "it did not answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        )
        return ServerUnavailable(url, text or silent)
    return error
