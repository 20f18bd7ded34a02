"""Real runners for the tests: a file with flows, a spec, a process, and what became of the runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.model.clock import SystemClock
from orchestrator.model.deployment import DeploymentDefinition, FlowOptions
from orchestrator.model.ids import RunId, deployment_id, deployment_of, new_run_id
from orchestrator.model.run import Run
from orchestrator.model.serving import ServingSpec
from orchestrator.model.states import State
from orchestrator.programs import command_of
from orchestrator.store.caller import Store
from orchestrator.store.connection import open_store
from orchestrator.store.deployments import put_deployment, read_deployment
from orchestrator.store.leases import look
from orchestrator.store.logs import LogLine, read_log
from orchestrator.store.runs import NewRun, read_run, submit_run
from tests.support import Server, eventually
from tests.support.processes import children, marked

NAME = "work/test"
MARK = "ORCHESTRATOR_TEST_PLACE"


def definition(name: str = NAME, **options: Any) -> DeploymentDefinition:
    """A deployment of the flow of that name in ``flows.py``."""
    flow, _, deployment = name.partition("/")
    return DeploymentDefinition(
        flow=flow,
        name=deployment,
        entrypoint=f"flows.py:{flow}",
        options=FlowOptions(**options),
    )


@dataclass
class Runner:
    """One runner process, and its standard error in a file."""

    process: subprocess.Popen[bytes]
    log: Path
    parent: int
    """The end of a pipe that stands for the serving script's life."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, within: float) -> int:
        """The exit code."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {within} s: {self.output}") from None

    def drain(self) -> int:
        """SIGTERM, and the exit code."""
        self.send(signal.SIGTERM)
        return self.ends(within=30)

    def script_dies(self) -> None:
        """End of file where the serving script was."""
        os.close(self.parent)
        self.parent = -1

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.parent >= 0:
            self.script_dies()

    @property
    def spawner(self) -> int:
        """The process id of its spawner."""
        return eventually(lambda: children(self.pid), why="a spawner")[0]


@dataclass
class Place:
    """A server, a folder with flows, and the runners that serve them."""

    server: Server
    folder: Path
    started: list[Runner] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    """Of the runners to come, besides that of the test."""

    def __post_init__(self) -> None:
        self.store: Store = open_store(self.server.url)

    def flows(self, text: str) -> None:
        """What ``flows.py`` holds, below the usual imports."""
        header = "import os, signal, subprocess, sys, time\nfrom pathlib import Path\n"
        header += "from orchestrator import flow, get_run_logger, current_run\n"
        (self.folder / "flows.py").write_text(header + text)

    def spec(self, *definitions: DeploymentDefinition, **changes: Any) -> ServingSpec:
        served = definitions or (definition(),)
        path = str(self.folder / "flows.py")
        spec = ServingSpec(
            url=self.server.url,
            name="tests",
            limit=4,
            definitions=tuple(served),
            sources={d.full_name: {"path": path, "qualname": d.flow} for d in served},
            sys_path=(str(self.folder),),
            cwd=str(self.folder),
        )
        return replace(spec, **changes)

    def start(self, *definitions: DeploymentDefinition, **changes: Any) -> Runner:
        """A runner that says it is serving."""
        runner = self.launch(self.spec(*definitions, **changes).to_json())
        try:
            eventually(lambda: "Serving." in runner.output)
        except AssertionError:
            raise AssertionError(f"not serving: {runner.output}") from None
        return runner

    def launch(
        self, spec: object, *, before: Sequence[str] = (), output: Path | None = None
    ) -> Runner:
        """A runner with this spec, ready or not; ``before`` are words in front of its command."""
        with tempfile.TemporaryFile("w+") as file:
            file.write(json.dumps(spec))
            file.seek(0)
            reading, writing = os.pipe()
            log = self.folder / f"runner-{len(self.started)}.log"
            log.touch()
            ends = ["--spec-fd", str(file.fileno()), "--parent-fd", str(reading)]
            with (output or log).open("wb") as words:
                process = subprocess.Popen(
                    [*before, *command_of("runner", *ends)],
                    pass_fds=(file.fileno(), reading),
                    env={**os.environ, MARK: str(self.folder), **self.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    start_new_session=True,
                )
            os.close(reading)
        self.started.append(Runner(process, log, writing))
        return self.started[-1]

    def deploy(self, *definitions: DeploymentDefinition) -> None:
        """Put them without anybody serving them."""
        self.store.call_all([put_deployment(d) for d in definitions])

    def submit(self, name: str = NAME, /, **parameters: Any) -> RunId:
        """A run that is asked for now."""
        run_id = new_run_id(deployment_id(name), SystemClock().now_ms())
        return self.submit_as(run_id, **parameters)

    def submit_as(self, run_id: RunId, **parameters: Any) -> RunId:
        """A run with this id, of which the server does not know."""
        d = deployment_of(run_id)
        new = NewRun(deployment_id=d, run_id=run_id, parameters=json.dumps(parameters))
        submitted = self.store.call(submit_run(new))
        assert submitted.word == "created", submitted
        return run_id

    def run(self, run_id: RunId) -> Run:
        run = self.store.call(read_run(run_id))
        assert run is not None
        return run

    def beat(self, run_id: RunId) -> int:
        """How often its lease was renewed."""
        seen = self.store.call(look(deployment_of(run_id), None))
        return next((lease.beat for lease in seen.leases if lease.run_id == run_id), 0)

    def ended(self, run_id: RunId, within: float = 30) -> Run:
        """The run, once it is over."""
        return self._when(run_id, lambda run: run.is_final, within, "over")

    def in_state(self, run_id: RunId, *states: State, within: float = 30) -> Run:
        """The run, once it is in one of these states."""
        return self._when(run_id, lambda run: run.state in states, within, str(states))

    def _when(self, run_id: RunId, is_so: Any, within: float, why: str) -> Run:
        def look() -> Run | None:
            run = self.run(run_id)
            return run if is_so(run) else None

        try:
            return eventually(look, within=within)
        except AssertionError:
            logs = "\n".join(runner.output for runner in self.started)
            raise AssertionError(f"not {why}: {self.run(run_id)}\n{logs}") from None

    def lines(self, run_id: RunId) -> list[LogLine]:
        return [line for _, lines in self.store.call(read_log(run_id)) for line in lines]

    def texts(self, run_id: RunId) -> list[str]:
        return [line.text for line in self.lines(run_id)]

    def deployment(self, name: str = NAME) -> Any:
        return self.store.follow(read_deployment(deployment_id(name)))

    def note(self, name: str) -> str:
        """What a flow wrote to the file ``name``; empty when it has not yet."""
        file = self.folder / name
        return file.read_text() if file.exists() else ""

    def end(self) -> None:
        """Nothing is left: not even the last words of its runners come later."""
        for runner in self.started:
            runner.end()
        eventually(self._nobody_is_left, why="all its processes are gone")
        self.store.close()

    def processes(self) -> set[int]:
        """All that its runners have started, directly or not, and that lives."""
        return marked(f"{MARK}={self.folder}")

    def _nobody_is_left(self) -> bool:
        left = self.processes()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left


def states(run: Run) -> list[str]:
    """The states a run went through."""
    return [step.state.value for step in run.history]


def reasons(steps: Iterable[Any]) -> Sequence[str]:
    """Why."""
    return [step.reason for step in steps if step.reason]
