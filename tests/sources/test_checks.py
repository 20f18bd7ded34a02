"""What is refused before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator import GitRepository, InvalidOption, LocalStorage, RemoteStorage
from orchestrator.sources.checks import entry_point
from orchestrator.sources.storages import storage_key, storage_of

HTTPS = "https://example.org/team/flows.git"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "  ",
        "ext::sh -c touch% /tmp/pwned",
        "fd::17/foo",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=x",
        "ftp://example.org/flows.git",
        "javascript://example.org/flows.git",
        "ssh://-oProxyCommand=touch/flows.git",
        "ssh://-user@example.org/flows.git",
        "ssh://me:secret@example.org/flows.git",
        "https:///flows.git",
        "https://example.org/-flows.git",
        "https://example.org/../../flows.git",
        "https://example.org/%2e%2e/flows.git",
        "git@example.org:../flows.git",
        "git@example.org:-flows.git",
        "https://example.org/flows.git?x=1",
        "https://example.org/flows.git\n--upload-pack=x",
        17,
    ],
)
def test_urls_that_git_is_not_given(url: Any) -> None:
    with pytest.raises(InvalidOption):
        GitRepository(url)


@pytest.mark.parametrize(
    "url",
    [
        HTTPS,
        "http://127.0.0.1:8080/flows.git",
        "ssh://git@example.org:2222/team/flows.git",
        "git@example.org:team/flows.git",
        "git://example.org/flows",
        "file:///srv/flows.git",
        "https://[::1]:8443/flows.git",
        "/srv/flows.git",
    ],
)
def test_urls_that_are_fine(url: str) -> None:
    assert GitRepository(url).url == url


@pytest.mark.parametrize(
    "name",
    [
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "@{u}",
        "@",
        "a.lock",
        ".a",
        "a/.b",
        "/a",
        "a/",
        "a//b",
        "a.",
        "",
        "a\x00",
        "refs@{0}",
    ],
)
@pytest.mark.parametrize("option", ["branch", "tag"])
def test_refs_that_git_is_not_given(option: str, name: str) -> None:
    with pytest.raises(InvalidOption, match=option):
        GitRepository(HTTPS, **{option: name})  # type: ignore[arg-type]


@pytest.mark.parametrize("commit", ["abc", "HEAD", "g" * 40, "-" * 40, "a" * 65, "", 1234])
def test_commits_are_digits(commit: Any) -> None:
    with pytest.raises(InvalidOption, match="commit_sha"):
        GitRepository(HTTPS, commit_sha=commit)


@pytest.mark.parametrize(
    "given",
    [
        {"branch": "main", "tag": "v1"},
        {"branch": "main", "commit_sha": "abcd"},
        {"directories": []},
        {"directories": "flows"},
        {"directories": ["../x"]},
        {"directories": ["/x"]},
        {"directories": ["-x"]},
        {"pull_interval": 0},
        {"pull_interval": -1},
        {"pull_interval": "60"},
        {"pull_interval": float("nan")},
        {"credentials": {"username": "me"}},
        {"credentials": {"token": "t", "other": "x"}},
        {"credentials": {"token": "a\nb"}},
        {"credentials": 17},
    ],
)
def test_options_that_cannot_be_used(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        GitRepository(HTTPS, **given)


def test_ssh_takes_no_token() -> None:
    with pytest.raises(InvalidOption, match="SSH uses keys"):
        GitRepository("git@example.org:flows.git", credentials="token")


@pytest.mark.parametrize("url", ["", "nothing://x", "s3:bucket", "python://os", "zip://::evil://x"])
def test_urls_that_fsspec_is_not_given(url: str) -> None:
    with pytest.raises(InvalidOption):
        RemoteStorage(url)


def test_settings_go_to_other_processes() -> None:
    with pytest.raises(InvalidOption, match="texts, numbers"):
        RemoteStorage("s3://bucket", session=object())


@pytest.mark.parametrize(
    "text",
    [
        "etl.py",
        "etl.py:",
        ":nightly",
        "../etl.py:nightly",
        "/etc/etl.py:nightly",
        "a/../../b.py:f",
        "etl.py:night-ly",
        "etl.py:a..b",
        "-m:x",
        "pa-ckage.module:f",
        "a\\b.py:f",
        "",
    ],
)
def test_entry_points_stay_inside(text: str) -> None:
    with pytest.raises(InvalidOption, match="entrypoint"):
        entry_point(text)


def test_entry_points() -> None:
    assert entry_point("a/b.py:Class.method") == {"path": "a/b.py", "qualname": "Class.method"}
    assert entry_point("./b.py:f") == {"path": "b.py", "qualname": "f"}
    assert entry_point("package.module:f") == {"module": "package.module", "qualname": "f"}


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (HTTPS, GitRepository),
        ("git@example.org:team/flows", GitRepository),
        ("ssh://git@example.org/team/flows", GitRepository),
        ("git://example.org/flows", GitRepository),
        ("https://github.com/team/flows", GitRepository),
        ("file:///srv/flows.git", GitRepository),
        ("s3://bucket/flows", RemoteStorage),
        ("https://example.org/flows/", RemoteStorage),
        ("zip://::file:///srv/flows.zip", RemoteStorage),
        ("memory://flows", RemoteStorage),
        ("file:///srv/flows", LocalStorage),
        ("local:///srv/flows", LocalStorage),
        ("./flows", LocalStorage),
    ],
)
def test_what_a_text_means(source: str, kind: type) -> None:
    assert type(storage_of(source)) is kind


def test_other_types_are_no_source() -> None:
    with pytest.raises(TypeError, match="not int"):
        storage_of(17)


def test_secrets_are_not_shown() -> None:
    repository = GitRepository("https://me:s3cret@example.org/flows.git")
    token = GitRepository(HTTPS, credentials={"token": "t0ken"})
    remote = RemoteStorage("ftp://me:s3cret@example.org/flows", key="k3y")

    assert repository.url == "https://example.org/flows.git"
    assert repository.credentials == {"username": "me", "password": "s3cret"}
    assert token.credentials["username"] == "x-access-token"
    for storage in (repository, token, remote):
        told = f"{storage!r} {storage.shown} {storage_key(storage)}"
        assert not any(secret in told for secret in ("s3cret", "t0ken", "k3y"))


def test_one_branch_is_one_source_whatever_the_credentials() -> None:
    main = storage_key(GitRepository(HTTPS, branch="main"))
    assert main == storage_key(GitRepository(HTTPS, branch="main", credentials="t"))
    assert main != storage_key(GitRepository(HTTPS, branch="other"))
    assert main != storage_key(GitRepository(HTTPS, branch="main", include_submodules=True))
