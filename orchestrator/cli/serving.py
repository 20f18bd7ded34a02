"""``orchestrator serve PATH:FLOW``: serve a flow without a script that calls ``serve``, from a
folder of this machine or, with ``--source``, from a repository or storage."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from orchestrator.cli.arguments import ParamOption, parse_parameters
from orchestrator.cli.rules import (
    CronOption,
    IntervalOption,
    RRuleOption,
    TimezoneOption,
    schedule_of,
)

if TYPE_CHECKING:
    from orchestrator.deployment import DeploymentOptions
    from orchestrator.model.serving import ServingSpec
    from orchestrator.schedules import Schedule
    from orchestrator.sources.storages import Storage


def _entrypoint(text: str) -> str:
    place, _, flow = text.rpartition(":")
    if not place or not flow:
        raise typer.BadParameter(f"{text!r} is not PATH:FLOW, such as flows.py:nightly")
    return text


def serve(
    entrypoint: Annotated[
        str,
        typer.Argument(
            metavar="PATH:FLOW", callback=_entrypoint, help="A file (or module) and its flow."
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="URL",
            help="Where PATH is: a git repository, a bucket, a folder. Newer code is served as it "
            "comes.",
        ),
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", help="Of the repository; default: its default one.")
    ] = None,
    git_tag: Annotated[
        str | None, typer.Option("--git-tag", metavar="TAG", help="Of the repository.")
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--commit", metavar="SHA", help="This one for good.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="The deployment's name; default: the flow's.")
    ] = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    timezone: TimezoneOption = None,
    parameter: ParamOption = [],  # noqa: B006  # typer's way to say "none given"; it copies
    tag: Annotated[
        list[str],
        typer.Option("--tag", "-t", metavar="TAG", help="On it and on its runs. Repeat."),
    ] = [],  # noqa: B006
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="Default: the flow's docstring.")
    ] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", "-v", help="Default: a hash of the file; with --source, none."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Runs at once here; default: number of CPUs.")
    ] = None,
    global_limit: Annotated[
        int | None, typer.Option("--global-limit", help="Runs at once over all hosts.")
    ] = None,
    pause_on_shutdown: Annotated[
        bool,
        typer.Option(
            "--pause-on-shutdown/--no-pause-on-shutdown",
            help="Pause the schedules when the last process that serves them leaves.",
        ),
    ] = True,
) -> None:
    """Serve a flow until Ctrl-C; a second Ctrl-C stops its runs at once."""
    from orchestrator.embedded import ensure_server
    from orchestrator.entrypoint import deployment_of_entrypoint
    from orchestrator.serving import serving_spec
    from orchestrator.settings import load_settings

    options: DeploymentOptions = {
        "schedules": _schedules(cron, interval, rrule, timezone),
        "parameters": parse_parameters(parameter, None),
        "tags": tag,
        "description": description,
        "version": version,
        "limit": limit,
        "global_limit": global_limit,
        "pause_on_shutdown": pause_on_shutdown,
    }
    storage = _storage(source, branch, git_tag, commit)
    settings = load_settings()
    served = [deployment_of_entrypoint(entrypoint, name, options, storage)]
    spec = serving_spec(served, {}, settings, ensure_server(settings))
    # A script's runner is called like the script; so is one that was started without the script.
    place = Path(entrypoint.rpartition(":")[0])
    _become_runner(replace(spec, name=place.name.removesuffix(".py")))


def _storage(
    source: str | None, branch: str | None, tag: str | None, commit: str | None
) -> Storage | None:
    from orchestrator.sources.storages import GitRepository, storage_of

    is_git = any(each is not None for each in (branch, tag, commit))
    if source is not None and is_git:
        return GitRepository(source, branch=branch, tag=tag, commit_sha=commit)
    if is_git:
        raise typer.BadParameter("say of which repository", param_hint="--source")
    return None if source is None else storage_of(source)


def _schedules(
    cron: str | None, interval: str | None, rrule: str | None, timezone: str | None
) -> list[Schedule]:
    if (cron, interval, rrule) != (None, None, None):
        return [schedule_of(cron=cron, interval=interval, rrule=rrule, timezone=timezone)]
    if timezone is not None:
        raise typer.BadParameter(
            "there is no --cron, --interval or --rrule", param_hint="--timezone"
        )
    return []


def _become_runner(spec: ServingSpec) -> NoReturn:
    """Go on as the runner: it needs nothing of what was imported to read the command line."""
    from orchestrator.programs import command_of

    # A file, not a pipe: nobody reads yet, and a schema may be larger than a pipe holds.
    document = tempfile.TemporaryFile("w+")  # noqa: SIM115  # the runner reads and closes it
    json.dump(spec.to_json(), document)
    document.seek(0)
    os.set_inheritable(document.fileno(), True)
    words = command_of("runner", "--spec-fd", str(document.fileno()))
    os.execv(words[0], words)
