"""The demonstration behind ``scripts/demo``: real processes, the embedded server, a live table.

``--once`` tells the whole story and checks each sentence of it: runs complete, one is cancelled
while it runs, one fails, a schedule fires, and a run outlives its killed runner.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator import Client
from orchestrator.embedded import stop_server
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.settings import load_settings

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "examples"
COLUMNS = {"deployment": 16, "state": 9, "attempt": 7, "pid": 7, "seconds": 7}
COLOURS = {
    State.COMPLETED: "green",
    State.RUNNING: "cyan",
    State.FAILED: "red",
    State.CRASHED: "red",
    State.CANCELLED: "yellow",
    State.CANCELLING: "yellow",
}


@dataclass
class Story:
    """Serving scripts, a client, and what was promised of which run."""

    home: Path
    console: Console
    client: Client
    scripts: list[subprocess.Popen[bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    live: Live | None = None

    def say(self, text: str) -> None:
        self.said.append(text)
        if self.live is None:
            self.console.print(text)
        self.show()

    def serve(self, example: str) -> subprocess.Popen[bytes]:
        """Start one example as a user would, in a terminal of its own."""
        log = (self.home / f"{example}-{len(self.scripts)}.log").open("wb")
        script = subprocess.Popen(
            [sys.executable, str(EXAMPLES / example)], cwd=PROJECT, stdout=log, stderr=log
        )
        self.scripts.append(script)
        return script

    def show(self) -> None:
        if self.live is not None:
            self.live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        table = Table(expand=True, title="runs, newest first")
        for column, width in COLUMNS.items():
            table.add_column(column, min_width=width, no_wrap=True)
        table.add_column("result or error", ratio=1, no_wrap=True)
        for run in self.client.runs(limit=18):
            state = Text(run.state, COLOURS.get(run.state, ""))
            table.add_row(run.deployment, state, str(run.attempt), *details(run))
        return Group(*(Text(line) for line in self.said[-9:]), table)

    def wait(self, fact: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Show the table until ``fact`` holds."""
        deadline = time.monotonic() + seconds
        while not fact():
            if time.monotonic() > deadline:
                raise StoryBroke(f"not within {seconds:.0f} s: {what}")
            self.show()
            time.sleep(0.1)
        self.say(f"✓ {what}")

    def state(self, run: Run) -> State:
        return self.client.run(run.id).state


class StoryBroke(Exception):
    """Something the demonstration promises did not happen."""


def details(run: Run) -> tuple[str, str, str]:
    end = run.ended_at or time.time_ns() // 1_000_000
    took = f"{(end - run.started_at) / 1000:.1f}" if run.started_at else ""
    said = (run.error or {}).get("message") or run.reason or ""
    if run.result is not None:
        said = json.dumps(run.result)
    return str(run.pid or ""), took, said[:80]


def tell(story: Story) -> None:
    """The story of ``--once``, from an empty home to its end."""
    client = story.client
    for example in ("hello.py", "repo_report.py", "sleeper_and_fast.py"):
        story.serve(example)
    expected = {"hello/first", "repo-report/here", "slow/sleeper", "fast/fast"}
    story.wait(
        lambda: {d.name for d in client.deployments() if d.runners} >= expected,
        "four deployments are served by three scripts",
    )
    history = own_history(story.home)
    reports = [client.create_run("repo-report/here", {"path": history}) for _ in range(3)]
    quick = [client.create_run("fast/fast") for _ in range(8)]
    failing = client.create_run("fast/fast", {"fail": True})
    story.wait(lambda: all_completed(story, reports + quick), "eleven runs completed")
    compare_with_shortlog(story, client.run(reports[0].id), history)
    story.wait(lambda: story.state(failing) is State.FAILED, "a run failed, with its error")
    cancel_one(story)
    kill_a_runner(story)
    story.wait(
        lambda: any(run.created_by.startswith("schedule") for run in completed(story)),
        "a schedule fired and its run completed",
    )


def completed(story: Story) -> list[Run]:
    return [run for run in story.client.runs(limit=200) if run.state is State.COMPLETED]


def all_completed(story: Story, runs: list[Run]) -> bool:
    return {run.id for run in runs} <= {run.id for run in completed(story)}


def own_history(home: Path) -> str:
    """A copy of this project's history that nobody commits to meanwhile."""
    copy = str(home / "history")
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", PROJECT, copy], check=True)
    return copy


def compare_with_shortlog(story: Story, report: Run, history: str) -> None:
    """The authors of the report are those that git itself counts."""
    lines = subprocess.run(
        ["git", "-C", history, "shortlog", "-sn", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    counted = {name: int(count) for count, _, name in (line.partition("\t") for line in lines)}
    if report.result["authors"] != counted:
        raise StoryBroke(f"repo_report says {report.result['authors']}, git says {counted}")
    story.say(f"✓ repo_report counts {sum(counted.values())} commits as git shortlog does")


def cancel_one(story: Story) -> None:
    run = story.client.create_run("slow/sleeper", {"sleep": 300})
    story.wait(lambda: story.state(run) is State.RUNNING, "a run sleeps for 300 s")
    pid = story.client.run(run.id).pid
    story.client.cancel_run(run.id)
    story.wait(lambda: story.state(run) is State.CANCELLED, "it was cancelled while running")
    story.wait(lambda: pid is not None and is_gone(pid), f"its process {pid} is gone")


def kill_a_runner(story: Story) -> None:
    """kill -9 the runner that executes a run; the run ends on another one."""
    story.serve("sleeper_and_fast.py")
    story.wait(
        lambda: len(story.client.deployment("slow/sleeper").runners) == 2,
        "a second runner serves the sleeper",
    )
    run = story.client.create_run("slow/sleeper", {"sleep": 4})
    story.wait(lambda: story.state(run) is State.RUNNING, "a run sleeps for 4 s")
    owner = story.client.run(run.id).runner
    victim = next(runner for runner in story.client.runners() if runner.id == owner)
    os.kill(victim.pid, signal.SIGKILL)
    story.say(f"  runner {victim.name} (pid {victim.pid}) killed with -9")
    story.wait(lambda: story.state(run) is State.COMPLETED, "its run was finished elsewhere")
    ended = story.client.run(run.id)
    if ended.runner == owner or ended.attempt != 2:
        raise StoryBroke(f"attempt {ended.attempt} on {ended.runner}, after {owner} was killed")


def is_gone(pid: int) -> bool:
    """Whether the process ended; one that nobody has waited for yet counts as gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def go_on(story: Story) -> None:
    """Serve the examples and submit a run now and then, until Ctrl-C."""
    for example in ("hello.py", "repo_report.py", "sleeper_and_fast.py"):
        story.serve(example)
    story.wait(
        lambda: len([d for d in story.client.deployments() if d.runners]) >= 4,
        "serving hello/first, repo-report/here, slow/sleeper and fast/fast; Ctrl-C ends",
    )
    story.say(f"  another terminal: ORCHESTRATOR_HOME={story.home} .venv/bin/orchestrator run ls")
    while True:
        story.client.create_run("repo-report/here", {"path": str(PROJECT)})
        story.client.create_run("slow/sleeper", {"sleep": 8})
        story.client.create_run("fast/fast", {"fail": time.time_ns() % 5 == 0})
        pause = time.monotonic() + 5
        while time.monotonic() < pause:
            story.show()
            time.sleep(0.25)


@contextmanager
def stage(home: Path) -> Iterator[Story]:
    """A home, a client and a live table; in the end every process of it is gone."""
    os.environ["ORCHESTRATOR_HOME"] = str(home)
    os.environ.pop("ORCHESTRATOR_REDIS_URL", None)
    console = Console()
    with Client() as client:
        story = Story(home, console, client)
        try:
            if console.is_terminal:
                with Live(console=console, auto_refresh=False) as story.live:
                    yield story
            else:
                yield story
        finally:
            strike(story)


def strike(story: Story) -> None:
    """Stop the scripts, then the server that they share."""
    for script in story.scripts:
        script.send_signal(signal.SIGINT)
    for script in story.scripts:
        script.wait()
    stop_server(load_settings())


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--once", action="store_true", help="check the whole story and end")
    once = arguments.parse_args().once
    home = Path(tempfile.mkdtemp(prefix="demo-")) if once else PROJECT / ".cache" / "demo"
    home.mkdir(parents=True, exist_ok=True)
    try:
        with stage(home) as story:
            tell(story) if once else go_on(story)
    except StoryBroke as broke:
        print(f"✗ {broke}; the logs are in {home}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    if once:
        shutil.rmtree(home)
        print("all of it held")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
