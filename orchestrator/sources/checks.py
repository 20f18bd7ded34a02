"""What may be asked of git and of storages: schemes by list, refs and paths by rule.

Whatever passes here is handed to programs that give meaning to dashes, colons and dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from orchestrator.model.errors import InvalidOption

GIT_SCHEMES = ("https", "http", "ssh", "git", "file")
"""Not ``ext::`` and ``fd::``, which run commands."""

REMOTE_SCHEMES = (
    *("file", "local", "memory", "zip", "tar", "http", "https", "s3", "s3a", "gs", "gcs"),
    *("az", "abfs", "abfss", "adl", "ftp", "sftp", "ssh", "smb", "hdfs", "webhdfs", "github"),
    *("gitlab", "oci", "oss", "box", "dropbox", "gdrive", "hf", "lakefs", "dvc"),
    *("blockcache", "filecache", "simplecache"),
)
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.%]+\]")
_SCP = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][\w.-]*)@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>[^:].*)"
)
_REF = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")
_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")


def git_url(given: object) -> tuple[str, dict[str, str]]:
    """The URL as git is given it, and the credentials that stood in it.

    Raises:
        InvalidOption: it is no URL of a repository, or of a kind that is not allowed.
    """
    text = _text("url", given)
    if "::" in text and not re.match(r"\w+://[^/]*\[", text):
        raise InvalidOption("url", _shown(text), f"must be one of {_listed(GIT_SCHEMES)} or a path")
    if "://" not in text:
        return _scp_or_path(text), {}
    parts = urlsplit(text)
    if parts.scheme not in GIT_SCHEMES:
        raise InvalidOption("url", _shown(text), f"its kind must be one of {_listed(GIT_SCHEMES)}")
    _check_path("url", parts.path, text)
    if parts.scheme == "file":
        return text, {}
    if not parts.hostname or not _HOST.fullmatch(_bracketed(parts.hostname)):
        raise InvalidOption("url", _shown(text), "names no host that could be asked")
    return _without_credentials(parts.scheme, text)


def ref_name(option: str, given: object) -> str:
    """A branch or tag, by git's own rules for names, without a leading dash.

    Raises:
        InvalidOption: it cannot be one.
    """
    text = _text(option, given)
    parts = text.split("/")
    bad = (
        text.startswith("-")
        or not _REF.fullmatch(text)
        or ".." in text
        or "@{" in text
        or text == "@"
        or text.endswith(".")
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if bad:
        raise InvalidOption(option, text, "is no name that git allows")
    return text


def commit_name(given: object) -> str:
    """A commit by its number, whole or the first digits of it."""
    text = _text("commit_sha", given)
    if not _COMMIT.fullmatch(text):
        raise InvalidOption("commit_sha", text, "must be 4 to 64 hexadecimal digits")
    return text.lower()


def inner_path(option: str, given: object) -> str:
    """A path that stays inside its root, in its shortest form.

    Raises:
        InvalidOption: it is absolute, climbs out, or holds what no path should.
    """
    text = _text(option, given)
    path = PurePosixPath(text)
    if path.is_absolute() or "\\" in text or ".." in path.parts or text.startswith("-"):
        raise InvalidOption(option, text, "must be a path inside the source, without `..`")
    return str(path)


def inner_paths(option: str, given: object) -> tuple[str, ...]:
    """Several of them; at least one."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidOption(option, given, "must be a list of paths")
    paths = tuple(inner_path(option, each) for each in given)
    if not paths:
        raise InvalidOption(option, given, "is empty: leave it out for the whole source")
    return paths


def remote_url(given: object) -> str:
    """A URL, or several chained by ``::``, of schemes that are known.

    Raises:
        InvalidOption: it is none.
    """
    text = _text("url", given)
    for link in text.split("::"):
        scheme = link.partition("://")[0]
        if scheme not in REMOTE_SCHEMES:
            raise InvalidOption("url", _shown(text), "is no URL of a storage, such as s3://bucket")
    return text


def entry_point(given: object) -> dict[str, str]:
    """``path/file.py:name``, ``path/file.py:Class.method`` or ``package.module:name`` as a place
    inside a source.

    Raises:
        InvalidOption: it is neither.
    """
    text = _text("entrypoint", given)
    place, colon, qualname = text.rpartition(":")
    if not colon or not all(part.isidentifier() for part in qualname.split(".")):
        raise InvalidOption("entrypoint", text, "write path/file.py:flow or package.module:flow")
    if place.endswith(".py") or "/" in place:
        return {"path": inner_path("entrypoint", place), "qualname": qualname}
    if not all(part.isidentifier() for part in place.split(".")):
        raise InvalidOption("entrypoint", text, "write path/file.py:flow or package.module:flow")
    return {"module": place, "qualname": qualname}


def without_password(url: str) -> str:
    """The URL for people: user and password masked, so are the values of its query."""
    return "::".join(_masked(link) for link in url.split("::"))


def _masked(link: str) -> str:
    if "://" not in link:
        return link
    parts = urlsplit(link)
    _, at, host = parts.netloc.rpartition("@")
    query = "***" if parts.query else ""
    return urlunsplit((parts.scheme, f"***@{host}" if at else host, parts.path, query, ""))


def _without_credentials(scheme: str, text: str) -> tuple[str, dict[str, str]]:
    """An SSH user is part of the address; anything else before ``@`` is a secret."""
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise InvalidOption("url", _shown(text), "takes no ? and no #: use branch=, tag=, ...")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host = parts.netloc.rpartition("@")[2]
    if scheme == "ssh":
        if user.startswith("-") or password:
            raise InvalidOption("url", _shown(text), "takes no password: SSH uses keys")
        host = f"{quote(user)}@{host}" if user else host
        return urlunsplit((scheme, host, parts.path, "", "")), {}
    if password:
        found = {"username": user, "password": password}
    else:
        found = {"token": user} if user else {}
    return urlunsplit((scheme, host, parts.path, "", "")), found


def _scp_or_path(text: str) -> str:
    if "/" not in text.partition(":")[0] and (scp := _SCP.fullmatch(text)):
        _check_path("url", scp["path"], text)
        return text
    if text.startswith("-"):
        raise InvalidOption("url", text, "must not begin with a dash")
    return text


def _check_path(option: str, path: str, text: str) -> None:
    if path.lstrip("/").startswith("-") or ".." in PurePosixPath(unquote(path)).parts:
        raise InvalidOption(option, _shown(text), "holds a path with `..` or a leading dash")


def _text(option: str, given: object) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidOption(option, given, "must be a text that is not empty")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in given):
        raise InvalidOption(option, given, "must not hold control characters")
    return given


def _shown(url: str) -> str:
    return without_password(url) if "://" in url else url


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
