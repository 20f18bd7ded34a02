"""From a repository to a checkout: find the commit, fetch it, write its files.

The repository kept here is bare, and a checkout is written from it without ``.git``. Submodules are
fetched like repositories of their own, so that what ``.gitmodules`` says is checked as every URL.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from orchestrator.model.code import Code
from orchestrator.model.errors import InvalidOption, SourceFailed
from orchestrator.sources.checkouts import Checkouts
from orchestrator.sources.checks import git_url, inner_path
from orchestrator.sources.contents import remove
from orchestrator.sources.failing import GitSaid, git_failed
from orchestrator.sources.git import Git, is_local
from orchestrator.sources.storages import GitRepository

_WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DEEPEST = 10
"""Submodules within submodules."""


def fetch_git(storage: GitRepository, checkouts: Checkouts, commit: str | None) -> Code:
    """The checkout of ``commit``, or of the newest that the storage stands for.

    Raises:
        SourceFailed: why not.
        Escape: a link in it leads out.
    """
    git = Git(checkouts.folder / "repository.git", storage.url, storage)
    wanted = commit or storage.commit_sha
    if wanted and _WHOLE_COMMIT.fullmatch(wanted) and (code := checkouts.find(wanted)):
        return code
    try:
        return _fetched(git, storage, checkouts, wanted)
    except GitSaid as said:
        if not _is_damaged(said):
            raise git_failed(storage.shown, said) from None
    # A disk that was full, or a process killed half-way: begin anew, once.
    remove(git.repository)
    try:
        return _fetched(git, storage, checkouts, wanted)
    except GitSaid as said:
        raise git_failed(storage.shown, said) from None


def _fetched(git: Git, storage: GitRepository, checkouts: Checkouts, wanted: str | None) -> Code:
    git.begin()
    commit = _whole(git, wanted) if wanted else _head(git, storage)
    if (code := checkouts.find(commit)) is not None:
        return code
    _get(git, commit)
    code = checkouts.add(commit, lambda new: _write(git, storage, commit, new))
    git(
        "-c",
        "gc.auto=6700",
        "-c",
        "gc.autoDetach=false",
        "-c",
        "gc.pruneExpire=now",
        "gc",
        "--auto",
    )
    return code


def _head(git: Git, storage: GitRepository) -> str:
    """Where the branch or tag stands now."""
    if storage.branch is not None:
        kind, names = f"branch {storage.branch}", [f"refs/heads/{storage.branch}"]
    elif storage.tag is not None:
        # What an annotated tag is about comes under the second name.
        kind, names = (
            f"tag {storage.tag}",
            [f"refs/tags/{storage.tag}", f"refs/tags/{storage.tag}^{{}}"],
        )
    else:
        kind, names = "default branch", ["HEAD"]
    lines = git("ls-remote", "--quiet", "--", git.url, *names).splitlines()
    found = {name: commit for commit, _, name in (line.partition("\t") for line in lines)}
    commits = [found[name] for name in names if name in found]
    if not commits:
        raise SourceFailed(storage.shown, f"it has no {kind}", "look at branch= and tag=")
    return commits[-1]


def _whole(git: Git, commit: str) -> str:
    """The whole number of a commit that was given by its first digits."""
    if _WHOLE_COMMIT.fullmatch(commit):
        return commit
    _get_all(git)
    return git(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"
    ).strip()


def _get(git: Git, commit: str) -> None:
    """Have the commit here, alone if the server gives it alone."""
    with suppress(GitSaid):
        git("cat-file", "-e", f"{commit}^{{tree}}")
        return
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    ours = f"refs/fetched/{commit}"
    try:
        git("fetch", *options, "--depth=1", "--", git.url, f"+{commit}:{ours}")
    except GitSaid as said:
        if not re.search(r"not our ref|unadvertised|no such remote ref|find remote ref", str(said)):
            raise
        _get_all(git)
        git("cat-file", "-e", f"{commit}^{{tree}}")
        git("update-ref", ours, commit)
    _forget_others(git, ours)


def _get_all(git: Git) -> None:
    """All branches and tags with their history."""
    shallow = ["--unshallow"] if (git.repository / "shallow").exists() else []
    refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    options = ("--quiet", "--no-write-fetch-head", "--no-recurse-submodules", "--force")
    git("fetch", *options, *shallow, "--", git.url, *refs)


def _forget_others(git: Git, ours: str) -> None:
    """Only the latest is needed: from it, the next fetch is a small one."""
    for name in git("for-each-ref", "--format=%(refname)", "refs/fetched").split():
        if name != ours:
            git("update-ref", "-d", name)


def _write(git: Git, storage: GitRepository, commit: str, folder: Path, depth: int = 0) -> None:
    """The files of a commit, and of its submodules where they are wanted."""
    paths = storage.directories if storage.directories and not depth else (".",)
    index = git.repository.with_suffix(".index")
    where = ("--work-tree", str(folder))
    try:
        git(
            *where,
            "checkout",
            "--quiet",
            "--force",
            commit,
            "--",
            *paths,
            GIT_INDEX_FILE=str(index),
        )
    finally:
        index.unlink(missing_ok=True)
    if storage.include_submodules:
        for path, inner_commit in _submodules(git, commit):
            if paths == (".",) or any(f"{path}/".startswith(f"{each}/") for each in paths):
                _write_submodule(git, storage, commit, folder, (path, inner_commit), depth + 1)


def _submodules(git: Git, commit: str) -> list[tuple[str, str]]:
    """Path and commit of each."""
    entries = git("ls-tree", "-r", "-z", "--full-tree", commit).split("\0")
    found = [entry.partition("\t") for entry in entries if entry.startswith("160000 ")]
    return [(path, facts.split()[2]) for facts, _, path in found]


def _write_submodule(
    git: Git,
    storage: GitRepository,
    commit: str,
    folder: Path,
    module: tuple[str, str],
    depth: int,
) -> None:
    path, inner_commit = module
    what = f"its submodule {path}"
    if depth > _DEEPEST:
        raise SourceFailed(storage.shown, f"{what} lies too deep")
    try:
        url = _url_of_submodule(git, commit, path)
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        inner = Git(git.repository.with_name(f"submodule-{name}.git"), url, storage)
        inner.begin()
        _get(inner, inner_commit)
        place = folder / inner_path("submodule", path)
        place.mkdir(parents=True, exist_ok=True)
        _write(inner, storage, inner_commit, place, depth)
    except GitSaid as said:
        failed = git_failed(storage.shown, said)
        raise SourceFailed(storage.shown, f"{what}: {failed.why}", failed.remedy) from None
    except InvalidOption as refused:
        raise SourceFailed(storage.shown, f"{what} is refused: {refused}") from None


def _url_of_submodule(git: Git, commit: str, path: str) -> str:
    """As ``.gitmodules`` has it; a relative one starts at the repository's own."""
    blob = f"--blob={commit}:.gitmodules"
    paths = git("config", blob, "--get-regexp", r"^submodule\..*\.path$").splitlines()
    section = next(
        (
            key[: -len(".path")]
            for key, _, value in (line.partition(" ") for line in paths)
            if value == path
        ),
        None,
    )
    if section is None:
        raise InvalidOption("submodule", path, "is not in .gitmodules")
    written = git("config", blob, "--get", f"{section}.url").strip()
    if written.startswith(("./", "../")):
        return _joined(git.url, written)
    url, _ = git_url(written)  # credentials in it are not ours to use
    if is_local(url) and not is_local(git.url):
        raise InvalidOption("url", url, "is of this machine, and the repository is not")
    return url


def _joined(url: str, relative: str) -> str:
    if "://" in url:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(path=_normal(parts.path, relative)))
    host, colon, path = ("", "", url) if url.startswith("/") else url.partition(":")
    return f"{host}{colon}{_normal(path, relative)}"


def _normal(path: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(path, relative))


def _is_damaged(said: GitSaid) -> bool:
    words = r"corrupt|is empty|loose object|bad object|unable to read|invalid object|bad config"
    return (
        re.search(rf"{words}|missing (blob|tree)|not a git repository: |shallow", str(said))
        is not None
    )
