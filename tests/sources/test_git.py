"""Commits become checkouts: from real servers, with real faults."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator import GitRepository, SourceFailed
from orchestrator.model.code import Code
from orchestrator.sources.fetching import fetch_revision, look
from orchestrator.sources.storages import Storage
from tests.sources.repository import Repository, free_port, git_daemon, git_over_http

TOKEN = "s3cret/t0ken"


def code_of(storage: Storage, home: Path) -> Code:
    found = look(storage, home)
    assert found.code is not None, found.why
    return found.code


def version_in(code: Code) -> str:
    return Path(code.folder, "flows", "version.py").read_text()


def test_a_branch_a_tag_and_a_commit(repository: Repository, home: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message=first", "v1")
    second = repository.commit_version("two")
    repository.git("branch", "next")
    third = repository.commit_version("three")

    newest = code_of(GitRepository(repository.url), home)
    assert (newest.commit, version_in(newest)) == (third, "VERSION = 'three'")
    assert code_of(GitRepository(repository.url, branch="next"), home).commit == second
    assert code_of(GitRepository(repository.url, tag="v1"), home).commit == first
    assert code_of(GitRepository(repository.url, commit_sha=second), home).commit == second
    assert code_of(GitRepository(repository.url, commit_sha=first[:8]), home).commit == first
    assert not Path(newest.folder, ".git").exists()


def test_a_checkout_never_changes(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    before = code_of(storage, home)
    repository.commit_version("two")
    after = code_of(storage, home)

    assert (version_in(before), version_in(after)) == ("VERSION = 'one'", "VERSION = 'two'")
    assert before.content != after.content
    for path in (before.folder, f"{before.folder}/flows", f"{before.folder}/flows/etl.py"):
        assert Path(path).stat().st_mode & 0o222 == 0, path


def test_the_same_content_has_the_same_hash(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    before = code_of(storage, home)
    repository.commit({})
    after = code_of(storage, home)
    assert before.commit != after.commit
    assert before.content == after.content


def test_a_force_push(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    code_of(storage, home)
    repository.git("checkout", "--quiet", "--orphan", "other")
    forced = repository.commit_version("forced")
    repository.git("branch", "--force", "main", "other")
    repository.git("checkout", "--quiet", "main")

    assert code_of(storage, home).commit == forced


def test_only_some_directories(repository: Repository, home: Path) -> None:
    repository.commit({"data/large.bin": "x", "docs/a.md": "x"})
    code = code_of(GitRepository(repository.url, directories=["flows", "docs"]), home)
    assert sorted(path.name for path in Path(code.folder).iterdir()) == ["docs", "flows"]


@pytest.mark.parametrize("relative", [True, False])
def test_submodules_by_choice(
    relative: bool, repository: Repository, home: Path, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "remotes" / "inner")
    inner.commit({"inner.py": "INNER = 1"})
    url = "../inner" if relative else inner.url
    repository.git("submodule", "--quiet", "add", url, "parts/inner")
    repository.commit({})
    deep = Repository(tmp_path / "remotes" / "deep")
    deep.git("submodule", "--quiet", "add", "../team", "team")
    deep.commit({})

    without = code_of(GitRepository(deep.url), home)
    code = code_of(GitRepository(deep.url, include_submodules=True), home)
    assert not Path(without.folder, "team", "flows").exists()
    assert Path(code.folder, "team", "parts", "inner", "inner.py").read_text() == "INNER = 1"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ext::sh -c touch% pwned", "must be one of"),
        ("--upload-pack=x", "dash"),
        ("../gone", "its submodule inner: there is no such repository"),
    ],
)
def test_submodules_that_are_refused(
    url: str, why: str, repository: Repository, home: Path
) -> None:
    commit = repository.git("rev-parse", "HEAD")
    text = f'[submodule "inner"]\n\tpath = inner\n\turl = {url}\n'
    (repository.folder / ".gitmodules").write_text(text)
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},inner")
    repository.git("add", ".gitmodules")
    repository.git("commit", "--quiet", "--message=evil")

    found = look(GitRepository(repository.url, include_submodules=True), home)
    assert found.code is None
    assert why in str(found.why)


def test_a_submodule_elsewhere_cannot_name_this_machine(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "private")
    inner.commit({"secret.txt": "x"})
    repository.git("submodule", "--quiet", "add", inner.url, "inner")
    repository.commit({})

    with git_daemon(repository.folder.parent) as url:
        found = look(GitRepository(f"{url}/team", include_submodules=True), home)
    assert "is of this machine" in str(found.why)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "flows/../../up"])
def test_links_out_are_refused(target: str, repository: Repository, home: Path) -> None:
    (repository.folder / "link").symlink_to(target)
    repository.commit({})
    found = look(GitRepository(repository.url), home)
    assert found.code is None
    assert "leads out of it" in str(found.why)


def test_links_inside_are_fine(repository: Repository, home: Path) -> None:
    (repository.folder / "link").symlink_to("flows/version.py")
    repository.commit({})
    code = code_of(GitRepository(repository.url), home)
    assert Path(code.folder, "link").read_text() == "VERSION = 'one'"


def test_hooks_do_not_run(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks, proof = tmp_path / "hooks", tmp_path / "proof"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {proof}\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {tmp_path}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    (tmp_path / ".gitconfig").write_text(config.read_text())

    code_of(GitRepository(repository.url), home)
    assert not proof.exists()
    assert not list(home.glob("sources/*/repository.git/hooks/*"))


def test_a_daemon(repository: Repository, home: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit_version("two")
    with git_daemon(repository.folder.parent) as url:
        assert code_of(GitRepository(f"{url}/team"), home).commit == second
        assert code_of(GitRepository(f"{url}/team", commit_sha=first), home).commit == first
        missing = look(GitRepository(f"{url}/other"), home)
    away = look(GitRepository(f"{url}/team"), home)

    assert "no such repository" in str(missing.why)
    assert away.code is not None
    assert away.code.commit == second
    assert "does not answer" in str(away.why)


def test_http_without_a_password(repository: Repository, home: Path) -> None:
    with git_over_http(repository.folder.parent) as server:
        code = code_of(GitRepository(f"{server.url}/team/.git"), home)
    assert version_in(code) == "VERSION = 'one'"


def test_http_with_a_password(repository: Repository, home: Path) -> None:
    with git_over_http(repository.folder.parent, "oauth2", TOKEN) as server:
        url = f"{server.url}/team/.git"
        given = {"username": "oauth2", "token": TOKEN}
        storage = GitRepository(url, credentials=given)
        assert version_in(code_of(storage, home)) == "VERSION = 'one'"
        repository.commit_version("two")
        wrong = look(GitRepository(url, credentials="wrong-token"), home)
        none = look(GitRepository(url), home)
        assert version_in(code_of(storage, home)) == "VERSION = 'two'"

    for refused in (wrong, none):
        assert "the credentials were refused" in str(refused.why)
        assert "credentials=" in refused.remedy
        assert refused.code is not None, "the code of the last look goes on serving"
    assert "wrong-token" not in str(wrong.why)
    assert_nowhere(home, TOKEN)


def test_a_token_is_for_its_host_alone(repository: Repository, home: Path, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "remotes" / "inner")
    inner.commit({"inner.py": ""})
    with (
        git_over_http(tmp_path / "remotes", "x-access-token", TOKEN) as ours,
        git_over_http(tmp_path / "remotes", "x-access-token", TOKEN) as other,
    ):
        repository.git("submodule", "--quiet", "add", "../inner", "inner")
        (repository.folder / ".gitmodules").write_text(
            f'[submodule "inner"]\n\tpath = inner\n\turl = {other.url}/inner/.git\n'
        )
        repository.commit({})
        storage = GitRepository(f"{ours.url}/team/.git", credentials=TOKEN, include_submodules=True)
        found = look(storage, home)

    assert "its submodule inner: the credentials were refused" in str(found.why)
    assert not any(other.seen)


def test_secrets_are_in_no_arguments(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = tmp_path / "arguments"
    real = subprocess.check_output(["which", "git"], text=True).strip()
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.write_text(f'#!/bin/sh\necho "$@" >> {noted}\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with git_over_http(repository.folder.parent, "me", TOKEN) as server:
        url = f"{server.url}/team/.git"
        code_of(GitRepository(url, credentials={"username": "me", "password": TOKEN}), home)
    assert "fetch" in noted.read_text()
    assert TOKEN not in noted.read_text()


def test_a_full_disk(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = GitRepository(repository.url)
    first = code_of(storage, home)
    second = repository.commit_version("two")
    real = subprocess.check_output(["which", "git"], text=True).strip()
    (tmp_path / "bin").mkdir()
    full = tmp_path / "bin" / "git"
    full.write_text(
        f"""#!/bin/sh
case "$*" in *" checkout "*) echo "fatal: write error: No space left on device" >&2; exit 128;; esac
exec {real} "$@"
"""
    )
    full.chmod(0o755)
    monkeypatch.setenv("PATH", f"{full.parent}:{os.environ['PATH']}")
    found = look(storage, home)
    assert found.code == first
    assert "the disk is full" in str(found.why)
    assert "ORCHESTRATOR_HOME" in found.remedy

    full.unlink()
    assert code_of(storage, home).commit == second


def test_ssh(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of an SSH URL, with a program in the place of ssh that stays on this machine."""
    noted, program = tmp_path / "asked", tmp_path / "ssh"
    program.write_text(
        f"""#!/bin/sh
echo "$@" >> {noted}
for last; do :; done
exec sh -c "$last"
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    for url in (f"ssh://git@localhost{repository.folder}", f"git@localhost:{repository.folder}"):
        assert version_in(code_of(GitRepository(url), home)) == "VERSION = 'one'"
    assert "git@localhost git-upload-pack" in noted.read_text()


def test_without_git(repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = look(GitRepository(repository.url), home)
    assert (found.why, "install git" in found.remedy) == ("there is no git here", True)


def test_faults_have_reason_and_remedy(repository: Repository, home: Path) -> None:
    gone = look(GitRepository(repository.url, branch="gone"), home)
    tag = look(GitRepository(repository.url, tag="gone"), home)
    commit = look(GitRepository(repository.url, commit_sha="a" * 40), home)
    port = look(GitRepository(f"git://127.0.0.1:{free_port()}/x"), home)
    folder = look(GitRepository(repository.url, directories=["gone"]), home)

    assert (gone.why, gone.remedy) == ("it has no branch gone", "look at branch= and tag=")
    assert tag.why == "it has no tag gone"
    assert "no such commit" in str(commit.why)
    assert "does not answer" in str(port.why)
    assert "directories is not there" in str(folder.why)
    assert all(found.code is None for found in (gone, tag, commit, port, folder))
    with pytest.raises(SourceFailed, match="no branch gone"):
        gone.code_or_raise("here")


def test_a_damaged_copy_is_made_anew(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    code_of(storage, home)
    for file in home.glob("sources/*/repository.git/objects/*/*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"")
    second = repository.commit_version("two")
    assert code_of(storage, home).commit == second


def test_a_commit_comes_back_when_it_is_asked_for(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    first = repository.git("rev-parse", "HEAD")
    repository.commit_version("two")
    code_of(storage, home)
    found = fetch_revision(storage, home, first)
    assert found.code is not None
    assert version_in(found.code) == "VERSION = 'one'"
    assert "no such commit" in str(fetch_revision(storage, home, "b" * 40).why)


def test_one_look_serves_a_host(repository: Repository, home: Path) -> None:
    storage = GitRepository(repository.url)
    first = code_of(storage, home)
    repository.commit_version("two")
    assert look(storage, home, max_age=3600).code == first
    assert look(storage, home).code != first


def assert_nowhere(folder: Path, secret: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
