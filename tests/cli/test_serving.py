"""``orchestrator serve``: from the command line to runs, and out again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.model.ids import RunId, deployment_id
from orchestrator.store.deployments import list_deployments, read_deployment
from orchestrator.store.runs import read_run
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import SCRIPT, Terminal
from tests.sources.repository import Repository
from tests.support import eventually
from tests.support.processes import Script, Starter, scripts

FLOWS = '''
import signal

from orchestrator import flow

@flow(log_prints=True)
def hello(name: str = "world", times: int = 1) -> str:
    """Says hello."""
    print("hello", name)
    return name

@flow
def endless() -> None:
    signal.pause()

not_a_flow = 1
'''


@pytest.fixture
def served(terminal: Terminal) -> Iterator[Starter]:
    """Starts serving commands in a folder with ``flows.py``."""
    (terminal.folder / "flows.py").write_text(FLOWS)
    variables = {
        "ORCHESTRATOR_REDIS_URL": str(terminal.url),
        "ORCHESTRATOR_SHUTDOWN_GRACE_SECONDS": "5",
    }
    with scripts(terminal.folder, **variables) as starter:
        yield starter


@pytest.fixture
def repository(terminal: Terminal) -> Repository:
    """Version one is committed."""
    repository = Repository(terminal.folder / "remotes" / "team.git")
    repository.commit_version("one")
    return repository


def serve(starter: Starter, *words: str) -> Script:
    return starter.command(str(SCRIPT), "serve", "flows.py:hello", *words)


def record(terminal: Terminal, name: str) -> Any:
    """The deployment's record, None before it exists."""
    answer = terminal.call("deployment", "inspect", name, "--output", "json")
    return answer.document if answer.code == 0 else None


def test_a_served_flow_runs_and_ctrl_c_is_an_orderly_end(
    terminal: Terminal, served: Starter, seeds: Seeds
) -> None:
    script = serve(served, "--name", "first", "--interval", "1h")
    eventually(lambda: is_served(seeds, HELLO), within=30, why="a runner serves it")

    run = terminal.call("deployment", "run", HELLO, "-p", "name=Ada", "--watch", "-o", "json")
    logs = terminal.call("run", "logs", run.document["id"])
    (runner,) = terminal.call("runner", "ls", "-o", "json").document
    script.send(signal.SIGINT)

    assert (run.code, run.document["result"]) == (0, "Ada")
    assert "hello Ada" in logs.out
    assert (runner["name"], runner["pid"]) == ("flows", script.pid)
    assert script.ends() == 0, script.output
    assert record(terminal, HELLO)["paused_by"] == "shutdown"


def test_every_option_reaches_the_deployment(
    terminal: Terminal, served: Starter, seeds: Seeds
) -> None:
    script = serve(
        served,
        *("-n", "first", "--cron", "0 9 * * *", "--timezone", "Europe/Berlin", "-t", "a"),
        *("--tag", "b", "-d", "Greets", "-v", "v7", "--limit", "3", "--global-limit", "2"),
        *("-p", "name=Ada", "--no-pause-on-shutdown"),
    )
    eventually(lambda: is_served(seeds, HELLO), within=30, why="a runner serves it")

    shown = record(terminal, HELLO)
    (runner,) = terminal.call("runner", "ls", "-o", "json").document
    script.send(signal.SIGTERM)

    assert script.ends() == 0, script.output
    assert (shown["tags"], shown["description"], shown["version"]) == (["a", "b"], "Greets", "v7")
    assert (shown["parameters"], shown["concurrency_limit"]) == ({"name": "Ada"}, 2)
    (schedule,) = shown["schedules"]
    assert (schedule["expression"], schedule["timezone"]) == ("0 9 * * *", "Europe/Berlin")
    assert runner["limit"] == 3
    assert record(terminal, HELLO)["paused"] is False


def test_a_second_signal_stops_now_and_exits_130(
    terminal: Terminal, served: Starter, seeds: Seeds
) -> None:
    name = "endless/endless"
    script = served.command(str(SCRIPT), "serve", "flows.py:endless")
    eventually(lambda: is_served(seeds, name), within=30, why="a runner serves it")
    run = terminal.call("deployment", "run", name, "-o", "json").document
    eventually(lambda: state_of(seeds, run["id"]) == "Running", within=30, why="it runs")

    script.send(signal.SIGINT)
    eventually(lambda: "drain" in script.output.lower(), within=30, why="the first one was seen")
    script.send(signal.SIGINT)

    assert script.ends() == 130, script.output
    assert state_of(seeds, run["id"]) == "Scheduled", "handed back"


@pytest.mark.parametrize("entrypoint", ["shop/flows.py:hello", "shop.flows:hello"])
def test_a_path_and_a_module_in_a_folder_below(
    terminal: Terminal, served: Starter, seeds: Seeds, entrypoint: str
) -> None:
    (terminal.folder / "shop").mkdir()
    (terminal.folder / "shop" / "__init__.py").touch()
    (terminal.folder / "shop" / "flows.py").write_text(FLOWS)
    served.command(str(SCRIPT), "serve", entrypoint, "--name", "first")
    eventually(lambda: is_served(seeds, HELLO), within=30, why="a runner serves it")

    run = terminal.call("deployment", "run", HELLO, "--watch", "-o", "json")

    assert (run.code, run.document["result"]) == (0, "world"), run.err


def test_a_flow_of_a_repository(
    terminal: Terminal, served: Starter, seeds: Seeds, repository: Repository
) -> None:
    """The branch that was named is served, not the newest of all."""
    name, commit = "tell/first", repository.git("rev-parse", "HEAD")
    repository.git("branch", "stable")
    repository.commit_version("two")
    place = ("--source", repository.url, "--branch", "stable")
    served.command(str(SCRIPT), "serve", "flows/etl.py:tell", *place, "--name", "first")
    eventually(lambda: is_served(seeds, name), within=30, why="a runner serves it")

    run = terminal.call("deployment", "run", name, "--watch", "-o", "json")

    assert (run.code, run.document["result"]) == (0, ["one"]), run.err
    assert run.document["commit"] == commit
    assert record(terminal, name)["source"] == f"{repository.url} (branch stable)"


def test_a_flow_of_a_folder_given_as_source(
    terminal: Terminal, served: Starter, seeds: Seeds
) -> None:
    served.command(
        str(SCRIPT), "serve", "flows.py:hello", "--source", str(terminal.folder), "-n", "first"
    )
    eventually(lambda: is_served(seeds, HELLO), within=30, why="a runner serves it")

    run = terminal.call("deployment", "run", HELLO, "--watch", "-o", "json")

    assert (run.code, run.document["result"]) == (0, "world"), run.err
    assert record(terminal, HELLO)["source"] == str(terminal.folder)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["flows/etl.py:missing"], 1, "missing"),
        (["flows/missing.py:tell"], 1, "missing.py"),
        (["../etl.py:tell"], 2, ".."),
        (["flows/etl.py:tell", "--branch", "gone"], 1, "gone"),
        (["flows/etl.py:tell", "--branch", "-x"], 2, "branch"),
        (["flows/etl.py:tell", "--branch", "main", "--git-tag", "v1"], 2, "one of branch"),
        (["flows/etl.py:tell", "--source", "ext::sh -c true"], 2, "ext"),
        (["flows/etl.py:tell", "--source", "s3://bucket", "--branch", "main"], 2, "s3"),
    ],
)
def test_what_a_repository_has_not_is_told_and_not_registered(
    terminal: Terminal,
    seeds: Seeds,
    repository: Repository,
    words: list[str],
    code: int,
    says: str,
) -> None:
    answer = terminal.call("serve", "--source", repository.url, *words)

    assert (answer.code, answer.out) == (code, ""), answer.err
    assert says in answer.err
    assert "orchestrator/cli" not in answer.err
    assert seeds.store.follow(list_deployments()) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["hello"], 2, "PATH:FLOW"),
        (["flows.py:"], 2, "PATH:FLOW"),
        (["missing.py:hello"], 1, "missing.py"),
        (["flows.py:goodbye"], 1, "goodbye"),
        (["flows.py:not_a_flow"], 1, "not_a_flow"),
        (["broken.py:hello"], 1, "ZeroDivisionError"),
        (["leaving.py:hello"], 1, "SystemExit"),
        (["flows.py:hello", "--cron", "every day"], 2, "every day"),
        (["flows.py:hello", "--cron", "* * * * *", "--interval", "60"], 2, "exactly one of"),
        (["flows.py:hello", "--cron", "* * * * *", "--timezone", "Berlin"], 2, "Berlin"),
        (["flows.py:hello", "--timezone", "Europe/Berlin"], 2, "--timezone"),
        (["flows.py:hello", "--interval", "0"], 2, "interval"),
        (["flows.py:hello", "--interval", "often"], 2, "--interval"),
        (["flows.py:hello", "--limit", "0"], 2, "limit"),
        (["flows.py:hello", "--global-limit", "-1"], 2, "global_limit"),
        (["flows.py:hello", "--name", "a/b"], 2, "'/'"),
        (["flows.py:hello", "--name", ""], 2, "empty"),
        (["flows.py:hello", "-p", "times=often"], 2, "times"),
        (["flows.py:hello", "-p", "nmae=Ada"], 2, "nmae"),
        (["flows.py:hello", "--tag", ""], 2, "tags"),
        (["flows.py:hello", "--branch", "main"], 2, "--source"),
        ([], 2, "PATH:FLOW"),
    ],
)
def test_what_cannot_be_served_is_told_and_not_registered(
    terminal: Terminal, seeds: Seeds, words: list[str], code: int, says: str
) -> None:
    (terminal.folder / "flows.py").write_text(FLOWS)
    (terminal.folder / "broken.py").write_text("1 / 0")
    (terminal.folder / "leaving.py").write_text("raise SystemExit(5)")

    answer = terminal.call("serve", *words)

    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
    assert "orchestrator/cli" not in answer.err
    assert seeds.store.follow(list_deployments()) == []


def is_served(seeds: Seeds, name: str) -> bool:
    deployment = seeds.store.follow(read_deployment(deployment_id(name)))
    return deployment is not None and len(deployment.runners) > 0


def state_of(seeds: Seeds, run_id: str) -> str:
    run = seeds.store.call(read_run(RunId(run_id)))
    return "" if run is None else run.state
