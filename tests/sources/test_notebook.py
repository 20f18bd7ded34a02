"""Flows of a notebook, served from a real kernel: they travel by value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from orchestrator import Client
from tests.support import Server, eventually

pytestmark = pytest.mark.long

CELL = """
import asyncio, threading
from orchestrator import aserve, flow, serve

class Greeter:
    def __init__(self, greeting):
        self.greeting = greeting

    @flow(name="bound")
    def greet(self, name: str):
        return f"{self.greeting}, {name}!"

def adding(amount):
    @flow(name="closed")
    def add(number: int = 1):
        return number + amount
    return add

FACTOR = 3

@flow
def multiply(number: int = 1):
    "Uses what the notebook has."
    return number * FACTOR

served = [
    multiply.to_deployment("nb"),
    adding(40).to_deployment("nb"),
    Greeter("Servus").greet.to_deployment("nb"),
]
"""


class Notebook:
    """A kernel, cell by cell."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def cell(self, code: str) -> str:
        """Run it; what it prints, or ``Error: message``."""
        told: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                told.append(content["text"])
            elif message["msg_type"] == "error":
                told.append(f"{content['ename']}: {content['evalue']}")

        self._client.execute_interactive(code, timeout=60, output_hook=hear)
        return "".join(told)


@pytest.fixture
def notebook(server: Server, tmp_path: Path, home: Path) -> Iterator[Notebook]:
    manager = KernelManager(kernel_name="python3")
    environment = {**os.environ, "ORCHESTRATOR_REDIS_URL": server.url}
    manager.start_kernel(env=environment, cwd=str(tmp_path))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Notebook(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_notebook_serves(notebook: Notebook, server: Server) -> None:
    assert notebook.cell(CELL) == ""
    assert "use `await aserve(...)`" in notebook.cell("serve(*served)")
    notebook.cell("task = asyncio.create_task(aserve(*served, pause_on_shutdown=False))")
    with Client(server.url) as client:
        eventually(lambda: len([d for d in client.deployments() if d.runners]) == 3, why="served")
        results = [
            client.wait_for_run(client.create_run(name, given).id, timeout=60)
            for name, given in (
                ("multiply/nb", {"number": 2}),
                ("closed/nb", {"number": 2}),
                ("bound/nb", {"name": "Ada"}),
            )
        ]
        assert [run.result for run in results] == [6, 42, "Servus, Ada!"], results

        # What was served keeps its state until it is served anew.
        notebook.cell("FACTOR = 4")
        again = client.wait_for_run(client.create_run("multiply/nb").id, timeout=60)
        assert again.result == 3
        assert notebook.cell("task.cancel()\nawait asyncio.wait([task])\nprint(task)") != ""
        eventually(lambda: not any(d.runners for d in client.deployments()), why="left")


def test_what_cannot_be_pickled_is_said(notebook: Notebook) -> None:
    notebook.cell(CELL)
    told = notebook.cell(
        """
lock = threading.Lock()

@flow
def locked():
    with lock:
        return 1

locked.to_deployment("nb")
"""
    )
    assert told.startswith("FlowNotLoaded: locked: ")
    assert "cannot pickle '_thread.lock' object" in told
    assert "define the flow at the top level of a file" in told
