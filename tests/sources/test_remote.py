"""Folders at URLs: from real servers, copied whole, once for each change."""

from __future__ import annotations

import functools
import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]  # ships no types
import pytest

from orchestrator import Client, FlowNotLoaded, LocalStorage, RemoteStorage, SourceFailed, flow
from orchestrator.execution import context
from orchestrator.sources.fetching import fetch_revision, look
from orchestrator.sources.looks import PROGRAM, Asked, Look
from orchestrator.sources.storages import Storage
from tests.sources.repository import FLOW, answers, free_port
from tests.support import Server, eventually
from tests.support.processes import scripts

FILES = {"flows/etl.py": FLOW, "flows/version.py": "VERSION = 'one'", "README": "read me"}
SECRET = "s3cret-acc3ss-key"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the remote has."""
    folder = tmp_path / "remote"
    write(folder)
    return folder


def write(folder: Path, version: str = "one") -> None:
    for name, text in {**FILES, "flows/version.py": f"VERSION = {version!r}"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def files_of(storage: Storage, home: Path) -> dict[str, str]:
    found = look(storage, home)
    assert found.code is not None, found.why
    place = Path(found.code.folder)
    paths = [path for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(place)): path.read_text() for path in paths}


def test_a_local_url(folder: Path, home: Path) -> None:
    storage = RemoteStorage(f"file://{folder}")
    assert files_of(storage, home) == FILES
    write(folder, "two")
    assert files_of(storage, home)["flows/version.py"] == "VERSION = 'two'"


def test_nothing_is_copied_when_nothing_changed(folder: Path, home: Path) -> None:
    storage = RemoteStorage(f"file://{folder}")
    first = look(storage, home).code
    assert first is not None
    (folder / "README").touch()  # another time, the same content
    assert look(storage, home).code == first
    assert len(list(home.glob("sources/*/checkouts/*.json"))) == 1
    assert stat.S_IMODE(Path(first.folder, "README").stat().st_mode) & 0o222 == 0


def test_zip(folder: Path, home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "flows.zip"
    for version in ("one", "two, longer"):
        with zipfile.ZipFile(archive, "w") as file:
            for name, text in FILES.items():
                file.writestr(name, text.replace("'one'", repr(version)))
        storage = RemoteStorage(f"zip://::file://{archive}")
        assert files_of(storage, home)["flows/version.py"] == f"VERSION = {version!r}"


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a/../../outside.py", "a\\b.py"])
def test_zip_slip(name: str, home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("flows/etl.py", FLOW)
        entry = zipfile.ZipInfo("x")
        entry.filename = name
        file.writestr(entry, "owned")
    found = look(RemoteStorage(f"zip://::file://{archive}"), home)
    outside = [path for path in tmp_path.rglob("*outside*") if home not in path.parents]
    assert outside == []
    if found.code is None:
        assert any(why in str(found.why) for why in ("lies outside of it", "is not there"))
    else:  # fsspec itself has taken the root off
        assert Path(found.code.folder, name.lstrip("/")).is_file()


def test_memory_is_of_this_process(home: Path) -> None:
    files = fsspec.filesystem("memory")
    for name, text in FILES.items():
        files.pipe(f"/team/{name}", text.encode())
    storage = RemoteStorage("memory://team")
    assert storage.pull_interval is None
    assert files_of(storage, home) == FILES
    tell: Any = flow.from_source("memory://team", "flows/etl.py:tell")
    assert (tell(times=2), tell.name) == (["one", "one"], "tell")


@pytest.fixture
def http(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def test_http(folder: Path, http: str, home: Path) -> None:
    storage = RemoteStorage(f"{http}/")
    assert files_of(storage, home) == FILES
    write(folder, "two, longer")
    assert files_of(storage, home)["flows/version.py"] == "VERSION = 'two, longer'"


def test_faults_have_a_reason(folder: Path, http: str, home: Path) -> None:
    empty = look(RemoteStorage(f"{http}/flows/nothing/"), home)
    away = look(RemoteStorage(f"http://127.0.0.1:{free_port()}/"), home)
    gone = look(RemoteStorage(f"file://{folder}/gone"), home)
    local = look(LocalStorage(folder / "gone", pull_interval=60), home)
    for found in (empty, away, gone, local):
        assert found.code is None
        assert found.why


def test_code_that_is_gone_goes_on_serving(folder: Path, home: Path) -> None:
    storage = RemoteStorage(f"file://{folder}")
    first = look(storage, home).code
    folder.rename(folder.with_name("away"))
    later = look(storage, home)
    assert later.code == first
    assert "nothing there" in str(later.why)


def test_an_old_content_is_had_while_it_is_kept(folder: Path, home: Path) -> None:
    storage = RemoteStorage(f"file://{folder}")
    first = look(storage, home).code
    assert first is not None
    write(folder, "two")
    look(storage, home)
    assert fetch_revision(storage, home, first.revision).code == first
    missing = fetch_revision(storage, home, "f" * 64)
    assert "not kept on this host any more" in str(missing.why)


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of a server that speaks like S3."""
    port = free_port()
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), within=60, why="moto listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.long
def test_s3(s3: str, home: Path) -> None:
    settings: dict[str, Any] = {
        "key": "tests",
        "secret": SECRET,
        "client_kwargs": {"endpoint_url": s3, "region_name": "eu-central-1"},
    }
    bucket = fsspec.filesystem("s3", **settings)
    bucket.mkdir("team", region_name="eu-central-1")
    for name, text in FILES.items():
        bucket.pipe(f"team/code/{name}", text.encode())
    storage = RemoteStorage("s3://team/code", **settings)
    assert files_of(storage, home) == FILES
    bucket.pipe("team/code/flows/version.py", b"VERSION = 'two'")
    assert files_of(storage, home)["flows/version.py"] == "VERSION = 'two'"

    missing = look(RemoteStorage("s3://nobody/code", **settings), home)
    assert missing.code is None
    told = f"{storage!r} {missing.why} {missing.remedy}"
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert SECRET not in told
    assert SECRET.encode() not in kept


def test_fsspec_is_an_extra(home: Path, tmp_path: Path) -> None:
    """Without it the message says what to install."""
    (tmp_path / "fsspec.py").write_text("raise ImportError('not here')")
    code = "from orchestrator import flow; flow.from_source('s3://a/b', 'c.py:d')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "pip install 'flowstreams[remote]'" in ended.stderr


def test_what_cannot_be_had_is_said_at_once(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="no such folder"):
        flow.from_source(tmp_path / "gone", "etl.py:tell")


def test_a_script_that_is_only_imported_does_not_fail_with_others_code(
    home: Path, tmp_path: Path
) -> None:
    with context.loading():
        gone = flow.from_source(tmp_path / "gone", "etl.py:tell")
    with pytest.raises(FlowNotLoaded, match="could not be loaded with this script"):
        gone()


@pytest.mark.long
def test_served_over_http(folder: Path, http: str, server: Server, home: Path) -> None:
    """The libraries of http start threads: not in the runner, nor where runs are forked."""
    place = folder.parent / "scripts"
    place.mkdir()
    environment = {"ORCHESTRATOR_REDIS_URL": server.url, "ORCHESTRATOR_HOME": str(home)}
    text = f"""
from orchestrator import RemoteStorage, flow
if __name__ == "__main__":
    source = RemoteStorage("{http}/", pull_interval=0.5)
    flow.from_source(source, "flows/etl.py:tell").serve("test")
"""
    with scripts(place, **environment) as starter, Client(server.url) as client:
        script = starter.python(text)
        eventually(lambda: "Serving." in script.output, why="it serves")
        assert "a fork per run" in script.output
        first = client.wait_for_run(client.create_run("tell/test").id, timeout=60)
        assert first.result == ["one"], first.error
        write(folder, "two, longer")

        def newest() -> Any:
            run = client.wait_for_run(client.create_run("tell/test").id, timeout=60)
            return run.result == ["two, longer"] and run

        second = eventually(newest)
        assert second.content_hash != first.content_hash
        again = client.retry_run(first.id, same_code=True)
        assert client.wait_for_run(again.id, timeout=60).result == ["one"]


def test_the_process_that_looks(folder: Path, home: Path) -> None:
    """It answers in JSON whatever happens, and repeats no secret."""

    def ask(storage: Storage, **more: Any) -> Look:
        asked = Asked(storage=storage.to_json(), home=str(home), parent=os.getpid(), **more)
        words = [sys.executable, "-P", str(PROGRAM)]
        ended = subprocess.run(words, input=asked.to_text(), capture_output=True, check=True)
        return Look.from_json(json.loads(ended.stdout))

    found = ask(RemoteStorage(f"file://{folder}", nonsense=SECRET))
    assert (found.code is None) is bool(found.why)
    good = ask(RemoteStorage(f"file://{folder}"))
    assert good.code is not None
    assert ask(RemoteStorage(f"file://{folder}"), revision=good.code.revision) == good
    bad = ask(RemoteStorage("zip://::simplecache::file:///nothing", fo=SECRET))
    assert bad.code is None
    assert SECRET not in str(bad.why)
