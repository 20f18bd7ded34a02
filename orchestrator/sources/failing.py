"""What went wrong with a source, for people: the reason, the remedy, and no secret."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from orchestrator.model.errors import SourceFailed

_SHORTEST_SECRET = 4
_LONGEST = 600
_IN_URL = re.compile(r"(\w+://)[^/\s@'\"]+@")

_GIT_HINTS = (
    (
        (
            r"Authentication failed|could not read (Username|Password)|HTTP Basic: Access denied"
            r"|Permission denied|returned error: 40[13]|invalid credentials"
        ),
        "the credentials were refused, or are missing",
        "give GitRepository(credentials=...) a token that may read, or SSH a key",
    ),
    (
        r"Could not resolve host|Name or service not known|Temporary failure in name",
        "its host is not known",
        "look at the URL, and at this machine's network",
    ),
    (
        (
            r"Connection refused|Couldn't connect|unable to connect|Connection timed out"
            r"|Operation timed out|Failed to connect|early EOF|hung up unexpectedly|timed out"
            r"|Operation too slow|Empty reply from server|Connection reset"
        ),
        "it does not answer",
        "look whether its server is up, and at this machine's network",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        "free space, or set ORCHESTRATOR_HOME to a folder on another disk",
    ),
    (
        (
            r"repository .* not found|Repository not found|does not appear to be a git repository"
            r"|does not exist|not exported|returned error: 404|access denied or repository not"
        ),
        "there is no such repository, or it is not to be seen with these credentials",
        "look at the URL and the credentials",
    ),
    (
        r"dubious ownership",
        "the repository belongs to another user",
        "as this user: git config --global --add safe.directory PATH",
    ),
    (
        r"transport '.*' not allowed",
        "it leads to a kind of URL that is not allowed",
        "use https, ssh or git",
    ),
    (
        r"did not match any file",
        "one of its directories is not there",
        "look at directories=",
    ),
    (
        (
            r"not our ref|couldn't find remote ref|unknown revision|ambiguous argument"
            r"|Needed a single revision|Not a valid object name"
        ),
        "it has no such commit",
        "look at commit_sha=; after a force-push the old commit may be gone",
    ),
)


class GitSaid(Exception):
    """git ended with an error; its words, scrubbed."""


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, as they are or as URLs write them."""
    for secret in sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True):
        for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, "***")
    return _IN_URL.sub(r"\1***@", text)


def git_failed(source: str, said: GitSaid) -> SourceFailed:
    """What git's words mean."""
    words = _short(str(said))
    for pattern, why, remedy in _GIT_HINTS:
        if re.search(pattern, words):
            return SourceFailed(source, f"{why} (git: {words})", remedy)
    return SourceFailed(source, f"git failed: {words}")


def system_failed(source: str, error: OSError, secrets: Iterable[str] = ()) -> SourceFailed:
    """What an error of the system means."""
    words = _short(scrubbed(str(error), secrets))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free space, or set ORCHESTRATOR_HOME to a folder on another disk"
        return SourceFailed(source, f"the disk is full ({words})", remedy)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SourceFailed(source, f"this user may not do that ({words})", "look at the rights")
    if isinstance(error, FileNotFoundError):
        return SourceFailed(source, f"it, or a file of it, is not there ({words})")
    if isinstance(error, PermissionError):  # storages raise it without a number
        return SourceFailed(source, f"it refuses these credentials ({words})", "look at them")
    return SourceFailed(source, words)


def _short(words: str) -> str:
    """In one line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    text = "; ".join(lines)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
