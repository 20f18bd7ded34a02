"""``orchestrator``: all commands, and what happens to an error none of them handled.

``--help`` must be quick: nothing here, nor in the files of the commands, imports redis, pydantic,
rich or the client outside a function; a test holds that.
"""

from __future__ import annotations

import os
import sys

from orchestrator.cli import (
    completing,
    config,
    deployments,
    doctor,
    events,
    launching,
    previewing,
    programs,
    runners,
    runs,
    schedules,
    serving,
    triggers,
    version,
)
from orchestrator.cli.errors import report
from orchestrator.cli.groups import group
from orchestrator.model.errors import OrchestratorError

app = group("Serve Python functions as deployments, and see what their runs do.", "orchestrator")
app.add_typer(programs.server, name="server")
app.add_typer(programs.scheduler, name="scheduler")
app.add_typer(programs.api, name="api")
app.command("serve")(serving.serve)
deployments.app.command("run")(launching.run)
app.add_typer(deployments.app, name="deployment")
schedules.app.command("preview")(previewing.preview)
app.add_typer(schedules.app, name="schedule")
app.add_typer(runs.app, name="run")
app.add_typer(runners.app, name="runner")
app.add_typer(events.app, name="event")
app.add_typer(triggers.app, name="trigger")
app.add_typer(config.app, name="config")
app.command("doctor")(doctor.doctor)
app.command("version")(version.version)
app.command("completion")(completing.completion)


def main() -> None:
    """The console script."""
    # What a flow printed may hold characters that this terminal cannot show: show it anyhow.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # TextIOWrapper
    completing.prepare_completion()
    try:
        app()
    except OrchestratorError as error:
        raise SystemExit(report(error)) from None
    finally:
        _flush()


def _flush() -> None:
    """Write what is left, unless whoever read it has gone: then the exit must not fail over it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
