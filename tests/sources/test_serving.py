"""Scripts that serve from a repository: what runs execute, what they record, what fails."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

from orchestrator import Client, CodeNotKept
from orchestrator.model.deployment import ServedCode
from orchestrator.model.run import Run
from tests.sources.repository import FLOW, Repository
from tests.support import Server, eventually
from tests.support.processes import Script, Starter, children, is_gone, scripts

SCRIPT = """
from orchestrator import GitRepository, LocalStorage, flow, serve
SOURCE = {source}
if __name__ == "__main__":
    serve(
        flow.from_source(SOURCE, "flows/etl.py:tell").to_deployment("test"),
        pause_on_shutdown=False,
    )
"""
NAME = "tell/test"
POLLED = "GitRepository({url!r}, pull_interval=0.3)"


@dataclass
class Serving:
    """A script that serves from the repository, and a client."""

    client: Client
    starter: Starter
    repository: Repository

    def start(self, source: str = POLLED, name: str = "serve.py") -> Script:
        text = SCRIPT.format(source=source.format(url=self.repository.url))
        before = len(self.runners())
        script = self.starter.python(text, name)
        try:
            eventually(lambda: len(self.runners()) > before and "Serving." in script.output)
        except AssertionError:
            raise AssertionError(f"not serving: {script.output}") from None
        return script

    def runners(self) -> tuple[str, ...]:
        return next((d.runners for d in self.client.deployments() if d.name == NAME), ())

    def run(self, **parameters: Any) -> Run:
        asked = self.client.create_run(NAME, parameters)
        return self.client.wait_for_run(asked.id, timeout=60)

    def code(self) -> list[ServedCode]:
        """What the runners say that they execute."""
        return list(self.client.deployment(NAME).code.values())

    def serves(self, is_so: Callable[[ServedCode], bool], runners: int = 1) -> list[ServedCode]:
        def found() -> list[ServedCode] | None:
            code = self.code()
            return code if len(code) == runners and all(map(is_so, code)) else None

        try:
            return eventually(found)
        except AssertionError:
            raise AssertionError(f"{self.code()} {self.starter.started[-1].output}") from None


@pytest.fixture
def serving(
    server: Server, repository: Repository, tmp_path: Path, home: Path
) -> Iterator[Serving]:
    folder = tmp_path / "scripts"
    folder.mkdir()
    environment = {"ORCHESTRATOR_REDIS_URL": server.url, "ORCHESTRATOR_HOME": str(home)}
    with scripts(folder, **environment) as starter, Client(server.url) as client:
        yield Serving(client, starter, repository)


def head(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD")


def test_a_run_records_what_it_executed(serving: Serving, home: Path) -> None:
    script = serving.start("GitRepository({url!r})")
    run = serving.run(times=2)
    assert (run.result, run.commit) == (["one", "one"], head(serving.repository))
    assert run.content_hash == serving.code()[0].content_hash
    assert run.version is None
    described = serving.client.deployment(NAME)
    assert described.source == f"{serving.repository.url} (default branch)"
    assert described.entrypoint == "flows/etl.py:tell"
    assert f"commit {str(run.commit)[:12]}" in script.output
    assert list(home.glob("sources/*/checkouts/*/flows/__pycache__")) == []


def test_new_commits_are_served_without_a_restart(serving: Serving) -> None:
    serving.start()
    assert serving.run().result == ["one"]
    for version in ("two", "three"):
        commit = serving.repository.commit_version(version)
        serving.serves(lambda code, commit=commit: code.commit == commit)  # type: ignore[misc]
        run = serving.run()
        assert (run.result, run.commit) == ([version], commit)


@pytest.mark.long
def test_a_running_run_is_not_disturbed(serving: Serving, tmp_path: Path) -> None:
    go, begun = tmp_path / "go", tmp_path / "begun"
    waits = FLOW.replace(
        "    return",
        f"""    import pathlib, time
    pathlib.Path({str(begun)!r}).touch()
    while not pathlib.Path({str(go)!r}).exists():
        time.sleep(0.01)
    from flows import late
    return late.LATE and""",
    )
    serving.repository.commit({"flows/late.py": "LATE = True"})
    first = serving.repository.commit_version("slow", waits)
    serving.start()
    asked = serving.client.create_run(NAME)
    eventually(begun.exists)
    serving.repository.commit({"flows/late.py": "raise SystemExit('new code in an old run')"})
    second = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == second)
    assert serving.run().result == ["two"]
    go.touch()
    run = serving.client.wait_for_run(asked.id, timeout=60)
    assert (run.result, run.commit) == (["slow"], first), run.error


def test_two_commits_side_by_side(serving: Serving) -> None:
    first = head(serving.repository)
    second = serving.repository.commit_version("two")
    serving.starter.python(
        f"""
from orchestrator import GitRepository, flow, serve
URL = {serving.repository.url!r}
old, new = (
    flow.from_source(GitRepository(URL, commit_sha=commit), "flows/etl.py:tell")
    for commit in ({first!r}, {second!r})
)
print("called here:", old(), new(times=2), old.fn(1), flush=True)
if __name__ == "__main__":
    serve(old.to_deployment("old"), new.to_deployment("new"), limit=2)
"""
    )
    eventually(lambda: any("Serving." in s.output for s in serving.starter.started))
    assert "called here: ['one'] ['two', 'two'] ['one']" in serving.starter.started[0].output
    asked = [serving.client.create_run(f"tell/{each}") for each in ("old", "new") * 3]
    runs = [serving.client.wait_for_run(run.id, timeout=60) for run in asked]
    assert [(run.result, run.commit) for run in runs] == [(["one"], first), (["two"], second)] * 3


@pytest.mark.long
def test_two_runners_on_one_source(serving: Serving) -> None:
    serving.start(name="one.py")
    serving.start(name="two.py")
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == commit, runners=2)
    asked = [serving.client.create_run(NAME) for _ in range(8)]
    runs = [serving.client.wait_for_run(run.id, timeout=60) for run in asked]
    assert {(run.result[0], run.commit) for run in runs} == {("two", commit)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"flows/version.py": "import does_not_exist"}, "No module named 'does_not_exist'"),
        ({"flows/etl.py": "def tell(: pass"}, "SyntaxError"),
        ({"flows/etl.py": "x = 1"}, "no such flow there"),
        ({"flows/version.py": "import os; os._exit(9)"}, "ended with 9 while it was loaded"),
    ],
    ids=["import error", "syntax error", "entry point missing", "dies at import"],
)
def test_bad_code_does_not_serve(serving: Serving, files: dict[str, str], why: str) -> None:
    script = serving.start()
    good = head(serving.repository)
    bad = serving.repository.commit(files)
    (code,) = serving.serves(lambda code: code.trouble is not None)
    assert (code.commit, why in str(code.trouble), bad[:12] in str(code.trouble)) == (
        good,
        True,
        True,
    ), code
    run = serving.run()
    assert (run.result, run.commit) == (["one"], good)
    assert "the last good code goes on serving" in script.output
    better = serving.repository.commit_version("better")
    serving.serves(lambda code: code.commit == better and code.trouble is None)
    assert serving.run().result == ["better"]


@pytest.mark.long
def test_the_source_goes_and_comes_back(serving: Serving) -> None:
    script = serving.start()
    hidden = serving.repository.folder.with_name("hidden")
    serving.repository.folder.rename(hidden)
    (code,) = serving.serves(lambda code: code.trouble is not None)
    assert "no such repository" in str(code.trouble)
    assert serving.run().result == ["one"]

    # A script that starts meanwhile serves what was found last, and says so.
    script.send(SIGTERM)
    script.ends()
    again = serving.start(name="again.py")
    assert "the code of an earlier look is used" in again.output
    assert serving.run().result == ["one"]

    hidden.rename(serving.repository.folder)
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == commit and code.trouble is None)


@pytest.mark.long
def test_trouble_is_an_event_and_on_the_terminal(serving: Serving) -> None:
    serving.start()
    serving.repository.commit({"flows/etl.py": "x = 1"})
    serving.serves(lambda code: code.trouble is not None)
    failed = eventually(
        lambda: [e for e in serving.client.events() if e.event == "deployment.code_failed"]
    )
    assert failed[0].resource["id"] == NAME
    assert "no such flow there" in failed[0].payload["why"]
    shown = serving.starter.orchestrator("deployment", "inspect", NAME)
    assert shown.ends() == 0
    assert "not the newest: the new code" in shown.output
    listed = serving.starter.orchestrator("deployment", "inspect", NAME, "--output", "json")
    assert listed.ends() == 0
    (code,) = json.loads(listed.output)["code"].values()
    assert "no such flow there" in code["trouble"]


@pytest.mark.long
def test_parameters_that_changed(serving: Serving) -> None:
    script = serving.start()
    changed = FLOW.replace("times: int = 1", "day: str, times: int = 1")
    commit = serving.repository.commit_version("two", changed)
    (code,) = serving.serves(lambda code: code.commit == commit)
    assert code.misfit == "day is new and required"
    assert "restart the serving script" in script.output
    run = serving.run(times=2)
    assert run.state == "Failed"
    message = str((run.error or {})["message"])
    assert "day: is missing" in message
    assert "other parameters than were registered: day is new and required" in message


def test_a_retry_with_the_same_code_or_the_newest(serving: Serving) -> None:
    serving.start()
    old = serving.run()
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == commit)

    same = serving.client.retry_run(old.id, same_code=True)
    newest = serving.client.retry_run(old.id)
    done = [serving.client.wait_for_run(run.id, timeout=60) for run in (same, newest)]
    assert [(r.result, r.commit) for r in done] == [(["one"], old.commit), (["two"], commit)]
    words = ("run", "retry", done[0].id, "--same-code", "--watch")
    assert serving.starter.orchestrator(*words).ends() == 0
    assert serving.client.runs(1)[0].commit == old.commit


@pytest.mark.long
def test_a_retry_with_code_that_is_gone(serving: Serving, home: Path) -> None:
    """A force-push, and nobody has the old commit any more."""
    script = serving.start()
    old = serving.run()
    script.send(SIGTERM)
    script.ends()
    serving.repository.git("checkout", "--quiet", "--orphan", "other")
    serving.repository.commit_version("forced")
    serving.repository.git("branch", "--force", "main", "other")
    serving.repository.git("checkout", "--quiet", "main")
    serving.repository.git("branch", "--delete", "--force", "other")
    serving.repository.git("reflog", "expire", "--expire=now", "--all")
    serving.repository.git("gc", "--quiet", "--prune=now")
    (place,) = home.glob("sources/*")
    place.rename(home / "away")
    serving.start(name="again.py")

    run = serving.client.wait_for_run(
        serving.client.retry_run(old.id, same_code=True).id, timeout=60
    )
    assert run.state == "Crashed"
    assert f"its code {str(old.commit)[:12]} cannot be had: it has no such commit" in run.why
    assert serving.run().result == ["forced"]


@pytest.mark.long
def test_what_no_versions_are_kept_of(serving: Serving) -> None:
    serving.starter.python(
        """
from orchestrator import flow
@flow
def tell(): return 1
if __name__ == "__main__":
    tell.serve("test")
"""
    )
    eventually(serving.runners)
    run = serving.run()
    assert run.commit is None
    assert len(str(run.content_hash)) == 64
    with pytest.raises(CodeNotKept, match="serves a script"):
        serving.client.retry_run(run.id, same_code=True)


@pytest.mark.long
def test_a_folder_in_place(serving: Serving) -> None:
    """No checkout and no look: what the file says counts from the next run on."""
    serving.start(f"LocalStorage({str(serving.repository.folder)!r})")
    first = serving.run()
    assert (first.result, first.commit) == (["one"], None)
    (serving.repository.folder / "flows" / "version.py").write_text("VERSION = 'two, edited'")
    second = serving.run()
    assert second.result == ["two, edited"]
    assert first.content_hash != second.content_hash


@pytest.mark.long
def test_a_folder_that_is_copied(serving: Serving) -> None:
    serving.start(f"LocalStorage({str(serving.repository.folder)!r}, pull_interval=0.3)")
    first = serving.run()
    (serving.repository.folder / "flows" / "version.py").write_text("VERSION = 'two, edited'")
    serving.serves(lambda code: code.content_hash != first.content_hash)
    second = serving.run()
    assert second.result == ["two, edited"]
    again = serving.client.retry_run(first.id, same_code=True)
    assert serving.client.wait_for_run(again.id, timeout=60).result == ["one"]


def test_secrets_are_in_no_process(serving: Serving) -> None:
    url = "http://127.0.0.1:9/x.git"
    script = serving.starter.python(
        f"""
from orchestrator import GitRepository, flow, serve
from orchestrator.sources import opening
serve(
    flow.from_source({serving.repository.url!r}, "flows/etl.py:tell").to_deployment("test"),
    flow.from_source(
        GitRepository({url!r}, credentials="s3cret-t0ken"), "flows/etl.py:tell"
    ).to_deployment("other"),
)
"""
    )
    assert script.ends() == 1
    assert "SourceFailed" in script.output
    assert "s3cret" not in script.output.replace('credentials="s3cret-t0ken"', "")
    assert children(script.pid) == []


SHAPES = """
from orchestrator import flow

class Tools:
    @staticmethod
    @flow(name="static")
    def tell():
        return "static"

@flow(isolation="spawn", name="fresh")
def fresh():
    import sys
    return [sys.dont_write_bytecode, __file__.split("/")[-3:]]

@flow
async def waits():
    return "waited"
"""


@pytest.mark.long
def test_every_shape_of_an_entry_point(serving: Serving) -> None:
    commit = serving.repository.commit({"code/shapes.py": SHAPES, "code/__init__.py": ""})
    script = serving.starter.python(
        f"""
from orchestrator import flow, serve
URL = {serving.repository.url + "/.git"!r}

@flow
def local():
    return "local"

here = flow.from_source(URL, "code/shapes.py:Tools.tell")
if __name__ == "__main__":
    serve(
        local.to_deployment("test"),
        here.to_deployment("test"),
        flow.from_source(URL, "code.shapes:fresh").to_deployment("test"),
        flow.from_source(URL, "code.shapes:waits").with_options(retries=1).to_deployment("test"),
    )
"""
    )
    eventually(lambda: "Serving." in script.output, why="it serves")
    results = {}
    for name in ("local", "static", "fresh", "waits"):
        asked = serving.client.create_run(f"{name}/test")
        run = serving.client.wait_for_run(asked.id, timeout=60)
        results[name] = run.result
        assert run.commit == (None if name == "local" else commit), run.error
    assert results == {
        "local": "local",
        "static": "static",
        "fresh": [True, [commit, "code", "shapes.py"]],
        "waits": "waited",
    }

    # What becomes of the repository does not matter to the script's own flows.
    serving.repository.commit({"code/shapes.py": "import nothing_of_that_name"})
    (serving.starter.folder / "flows.py").write_text(
        (serving.starter.folder / "flows.py").read_text().replace('"local"', '"edited"')
    )
    again = serving.client.create_run("local/test")
    assert serving.client.wait_for_run(again.id, timeout=60).result == "edited"


@pytest.mark.long
def test_a_retry_that_waits_for_its_code_can_be_cancelled(serving: Serving, home: Path) -> None:
    serving.start()
    old = serving.run()
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == commit)
    (place,) = home.glob("sources/*")
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever looks waits
        asked = serving.client.retry_run(old.id, same_code=True)
        eventually(lambda: serving.client.run(asked.id).state == "Pending", why="it is claimed")
        assert serving.run().result == ["two"], "others go on"
        serving.client.cancel_run(asked.id)
    assert serving.client.wait_for_run(asked.id, timeout=60).state == "Cancelled"


def waiting_for_locks() -> set[int]:
    """The processes on this machine that wait for a lock on a file."""
    lines = Path("/proc/locks").read_text().splitlines()
    return {int(line.split()[5]) for line in lines if " -> " in line}


@pytest.mark.long
def test_a_look_outlives_a_spawner_that_dies_meanwhile(serving: Serving, home: Path) -> None:
    """What a spawner leaves to the runner is killed; the look is a child of the runner as well."""
    script = serving.start()
    (runner,) = children(script.pid)
    (place,) = home.glob("sources/*")
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (look,) = eventually(lambda: waiting_for_locks() & set(children(runner)), why="a look")
        (spawner,) = set(children(runner)) - {look}
        os.kill(spawner, SIGKILL)
        eventually(lambda: set(children(runner)) - {spawner, look}, why="another spawner")
        assert serving.run().result == ["one"], "its forerunner's processes are gone"
        assert not is_gone(look)
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: code.commit == commit)


SMALL = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'
PRIVATE = ["unshare", "--mount"] + ["--map-root-user"] * (os.geteuid() != 0)


@pytest.mark.long
def test_F72_a_full_disk_keeps_new_code_away_and_the_old_serves_on(
    serving: Serving, home: Path
) -> None:
    old = head(serving.repository)
    text = SCRIPT.format(source=POLLED.format(url=serving.repository.url))
    (serving.starter.folder / "serve.py").write_text(text)
    script = serving.starter.command(
        *PRIVATE, "sh", "-c", SMALL, str(home), sys.executable, "serve.py"
    )
    eventually(lambda: serving.runners() and "Serving." in script.output, within=60)
    filler = Path(f"/proc/{script.pid}/root{home}/all")
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    commit = serving.repository.commit_version("two")
    serving.serves(lambda code: "No space left" in (code.trouble or ""))
    run = serving.run()
    assert (run.result, run.commit) == (["one"], old)
    filler.unlink()
    serving.serves(lambda code: code.commit == commit and code.trouble is None)
    assert serving.run().result == ["two"]
