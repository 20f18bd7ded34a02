"""``scheduler start`` and ``server start``: programs in the foreground of a terminal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from orchestrator.client.client import Client
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import SCRIPT, Terminal
from tests.support import eventually
from tests.support.processes import scripts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scheduler_leads_until_it_is_stopped(terminal: Terminal, number: signal.Signals) -> None:
    variables = {"ORCHESTRATOR_REDIS_URL": str(terminal.url)}
    with (
        scripts(terminal.folder, **variables) as starter,
        Client(terminal.url) as client,
    ):
        scheduler = starter.command(str(SCRIPT), "scheduler", "start")
        eventually(client.scheduler_is_alive, within=30, why="it leads")
        scheduler.send(number)

        assert scheduler.ends() == 0, scheduler.output
        assert not client.scheduler_is_alive()


def test_a_run_for_later_starts_with_a_scheduler(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    variables = {"ORCHESTRATOR_REDIS_URL": str(terminal.url)}
    run = terminal.call("deployment", "run", HELLO, "--start-in", "1s", "-o", "json").document
    with scripts(terminal.folder, **variables) as starter:
        starter.command(str(SCRIPT), "scheduler", "start")
        claimed = eventually(seeds.claim, within=30, why="the run is queued")

    assert claimed.run_id == run["id"]


def test_the_api_serves_until_it_is_stopped(terminal: Terminal) -> None:
    variables = {"ORCHESTRATOR_REDIS_URL": str(terminal.url)}
    with scripts(terminal.folder, **variables) as starter:
        api = starter.command(str(SCRIPT), "api", "start", "--port", "0")
        eventually(lambda: "pages at http://127.0.0.1:" in api.output, within=60, why="it listens")
        url = api.output.split()[-1]
        with Client(url) as client:
            assert client.deployments() == []
        api.send(signal.SIGTERM)

        assert api.ends() == 0, api.output


def test_an_api_for_everybody_needs_a_key(terminal: Terminal) -> None:
    answer = terminal.call("api", "start", "--host", "0.0.0.0")

    assert answer.code == 2
    assert "ORCHESTRATOR_API_KEY" in answer.err


def test_server_start_is_what_other_commands_find(tmp_path: Path) -> None:
    terminal = Terminal(None, tmp_path)
    with scripts(tmp_path, ORCHESTRATOR_HOME=str(tmp_path / "home")) as starter:
        server = starter.command(str(SCRIPT), "server", "start")
        eventually(lambda: "server" in server.output, within=30, why="it says it")
        listed = terminal.call("run", "ls", "--output", "json")
        server.send(signal.SIGINT)

        assert (listed.code, listed.document) == (0, [])
        assert server.ends() == 0, server.output
