"""``GitRepository``, ``RemoteStorage``, ``LocalStorage``: where code lies, as values.

They hold secrets; what people see of them (``str``, ``repr``, ``shown``) holds none.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from orchestrator.model.errors import InvalidOption
from orchestrator.sources.checks import (
    commit_name,
    git_url,
    inner_paths,
    ref_name,
    remote_url,
    without_password,
)

POLL_SECONDS = 60.0
_HOSTERS = re.compile(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/")
_USERS = {"gitlab": "oauth2", "bitbucket": "x-token-auth"}


class Storage(Protocol):
    """What the rest needs of a storage."""

    kind: str
    pull_interval: float | None
    """Seconds between two looks for new code; None: none."""

    @property
    def shown(self) -> str:
        """For people, without secrets."""

    @property
    def place(self) -> dict[str, Any]:
        """What decides which checkouts it can have: those of one place lie together."""

    @property
    def track(self) -> dict[str, Any]:
        """Which of them it is about; ``{}`` where there is only the newest."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""

    def to_json(self) -> dict[str, Any]:
        """Everything, secrets included: for pipes between processes only."""


class GitRepository:
    """A git repository, at a branch, tag or commit; else at its default branch.

    Args:
        url: ``https``, ``http``, ``ssh``, ``git`` or ``file``, ``git@host:path``, or a folder.
        branch, tag, commit_sha: at most one.
        credentials: a token, or a mapping with ``username`` and ``password`` or ``token``. They
            reach git through its environment, and only for this host.
        include_submodules: have them checked out too.
        directories: check out only these.
        pull_interval: seconds between two looks for new commits; None: none.

    Raises:
        InvalidOption: something that cannot be used.
    """

    kind = "git"

    def __init__(
        self,
        url: str,
        *,
        branch: str | None = None,
        tag: str | None = None,
        commit_sha: str | None = None,
        credentials: str | Mapping[str, Any] | None = None,
        include_submodules: bool = False,
        directories: Iterable[str] | None = None,
        pull_interval: float | None = POLL_SECONDS,
    ) -> None:
        self.url, found = git_url(url)
        if "://" not in self.url and Path(self.url).exists():
            self.url = str(Path(self.url).resolve())
        self.branch = None if branch is None else ref_name("branch", branch)
        self.tag = None if tag is None else ref_name("tag", tag)
        self.commit_sha = None if commit_sha is None else commit_name(commit_sha)
        if sum(each is not None for each in (branch, tag, commit_sha)) > 1:
            raise InvalidOption("branch", branch, "give one of branch, tag and commit_sha")
        self.credentials = _credentials(self.url, found if credentials is None else credentials)
        self.include_submodules = bool(include_submodules)
        self.directories = None if directories is None else inner_paths("directories", directories)
        self.pull_interval = None if self.commit_sha else _interval(pull_interval)

    @property
    def shown(self) -> str:
        ref = next((f"{kind} {name}" for kind, name in self.track.items()), "default branch")
        return f"{self.url} ({ref})"

    @property
    def place(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "include_submodules": self.include_submodules,
            "directories": list(self.directories or ()),
        }

    @property
    def track(self) -> dict[str, Any]:
        refs = {"branch": self.branch, "tag": self.tag, "commit": self.commit_sha}
        return {kind: name for kind, name in refs.items() if name is not None}

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.credentials["password"],) if self.credentials else ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "url": self.url,
            "branch": self.branch,
            "tag": self.tag,
            "commit_sha": self.commit_sha,
            "credentials": self.credentials or None,
            "include_submodules": self.include_submodules,
            "directories": None if self.directories is None else list(self.directories),
            "pull_interval": self.pull_interval,
        }

    def __repr__(self) -> str:
        return f"<GitRepository {self.shown}>"


class RemoteStorage:
    """A folder at any URL that fsspec opens: ``s3://bucket/flows``, ``zip://::https://…``.

    Args:
        url: of the folder.
        pull_interval: seconds between two looks for changes; None: none.
        **settings: for the filesystem, such as ``key``, ``secret``, ``token``, ``client_kwargs``.

    Raises:
        InvalidOption: something that cannot be used.
    """

    kind = "remote"

    def __init__(
        self, url: str, *, pull_interval: float | None = POLL_SECONDS, **settings: Any
    ) -> None:
        self.url = remote_url(url)
        try:
            json.dumps(settings)
        except (TypeError, ValueError):
            why = "must be made of texts, numbers, lists and mappings: they go to other processes"
            raise InvalidOption("settings", sorted(settings), why) from None
        self.settings = settings
        # Another process has another memory: there is nothing to look at.
        own = "memory" in re.findall(r"(\w+)://", self.url)
        self.pull_interval = None if own else _interval(pull_interval)

    @property
    def shown(self) -> str:
        return without_password(self.url)

    @property
    def place(self) -> dict[str, Any]:
        return {"url": self.url, "settings": self.settings}

    @property
    def track(self) -> dict[str, Any]:
        return {}

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*_texts_in(self.settings), *_passwords_in(self.url))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "url": self.url,
            "pull_interval": self.pull_interval,
            "settings": self.settings,
        }

    def __repr__(self) -> str:
        return f"<RemoteStorage {self.shown}>"


class LocalStorage:
    """A folder on this machine.

    Args:
        path: of the folder.
        pull_interval: None uses the folder itself: a changed file counts from the next run on.
            Seconds: runs get a copy, which is made anew when a look finds a change.

    Raises:
        InvalidOption: something that cannot be used.
    """

    kind = "local"

    def __init__(self, path: str | PathLike[str], *, pull_interval: float | None = None) -> None:
        text = str(path)
        if not text.strip() or "\x00" in text:
            raise InvalidOption("path", path, "must be the path of a folder")
        self.path = Path(text).expanduser().resolve()
        self.pull_interval = _interval(pull_interval)

    @property
    def shown(self) -> str:
        return str(self.path)

    @property
    def place(self) -> dict[str, Any]:
        return {"path": str(self.path)}

    @property
    def track(self) -> dict[str, Any]:
        return {}

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "path": str(self.path), "pull_interval": self.pull_interval}

    def __repr__(self) -> str:
        return f"<LocalStorage {self.shown}>"


def storage_of(source: object) -> Storage:
    """The storage that a URL or path means; a storage is itself.

    Raises:
        InvalidOption: the text is neither a URL that is known nor a path.
        TypeError: it is of another type.
    """
    if isinstance(source, (GitRepository, RemoteStorage, LocalStorage)):
        return source
    if isinstance(source, PathLike):
        return LocalStorage(source)
    if not isinstance(source, str):
        raise TypeError(f"a source is a URL, a path or a storage, not {type(source).__name__}")
    scheme = source.partition("://")[0] if "://" in source else ""
    if _is_git(source, scheme):
        return GitRepository(source)
    if scheme in ("file", "local"):
        return LocalStorage(unquote(source.partition("://")[2]))
    return RemoteStorage(source) if "::" in source or scheme else LocalStorage(source)


def storage_from_json(document: Mapping[str, Any]) -> Storage:
    """The storage that ``to_json`` wrote."""
    given = {name: value for name, value in document.items() if name != "kind"}
    match document["kind"]:
        case "git":
            return GitRepository(**given)
        case "remote":
            return RemoteStorage(**given.pop("settings"), **given)
        case _:
            return LocalStorage(**given)


def place_key(storage: Storage) -> str:
    """The name of the folder for its checkouts; tells nothing of what it is made from."""
    return _digest({"kind": storage.kind, **storage.place})


def track_key(storage: Storage) -> str:
    """What it is about within its place, as a name."""
    return _digest(storage.track)


def storage_key(storage: Storage) -> str:
    """One per place and track: storages with the same key have the same code."""
    return f"{place_key(storage)}-{track_key(storage)}"


def _is_git(source: str, scheme: str) -> bool:
    if scheme in ("git", "ssh") or re.match(r"[\w.-]+@[\w.-]+:", source):
        return True
    return source.rstrip("/").endswith(".git") or bool(_HOSTERS.match(source))


def _credentials(url: str, given: object) -> dict[str, str]:
    """``username`` and ``password``, or nothing."""
    if not given:
        return {}
    if isinstance(given, str):
        given = {"token": given}
    if not isinstance(given, Mapping) or not given.keys() <= {"username", "password", "token"}:
        why = "give a token, or a mapping with username and password or token"
        raise InvalidOption("credentials", "...", why)
    password = given.get("password") or given.get("token")
    if not isinstance(password, str):
        raise InvalidOption("credentials", "...", "hold neither a password nor a token")
    if not url.startswith(("https://", "http://")):
        raise InvalidOption("credentials", "...", "are for https; SSH uses keys")
    if any(letter in password + str(given.get("username")) for letter in "\r\n\x00"):
        raise InvalidOption("credentials", "...", "hold a line end")
    return {"username": str(given.get("username") or _user_of(url)), "password": password}


def _user_of(url: str) -> str:
    """Under which name a hoster takes a token."""
    host = urlsplit(url).hostname or ""
    return next((user for word, user in _USERS.items() if word in host), "x-access-token")


def _interval(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise InvalidOption("pull_interval", given, "must be a number of seconds, or None")
    if given <= 0:
        raise InvalidOption("pull_interval", given, "must be more than 0 seconds, or None")
    return float(given)


def _texts_in(value: Any) -> list[str]:
    """Every text of the settings: which of them are secrets only the filesystem knows."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value
    return [t for each in inner for t in _texts_in(each)] if isinstance(inner, Iterable) else []


def _passwords_in(url: str) -> list[str]:
    parts = [urlsplit(link) for link in url.split("::")]
    return [unquote(part.password) for part in parts if part.password]


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
