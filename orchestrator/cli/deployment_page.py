"""Deployments as text: rows of a list, the page of one."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.cli.accepted import rows
from orchestrator.cli.moments import local, relative
from orchestrator.cli.output import as_json, print_fields, print_heading, print_table
from orchestrator.cli.triggers import print_triggers
from orchestrator.model.deployment import Deployment, ScheduleRecord
from orchestrator.model.versions import DeploymentVersion
from orchestrator.wording import (
    code_text,
    kept_text,
    next_planned,
    rule_text,
    status,
    version_code,
)


def print_deployments(deployments: Sequence[Deployment], now_ms: int) -> None:
    """One line each."""
    print_table(
        ("DEPLOYMENT", "STATUS", "SCHEDULES", "NEXT", "RUNNERS"),
        [_row(deployment, now_ms) for deployment in deployments],
        folding=("DEPLOYMENT", "STATUS", "SCHEDULES"),
    )


def print_deployment(deployment: Deployment, now_ms: int) -> None:
    """Everything about one deployment."""
    limit = deployment.concurrency_limit
    print_fields(
        [
            ("Deployment", deployment.name),
            ("Status", status(deployment)),
            ("Description", deployment.description),
            ("Entrypoint", deployment.entrypoint),
            ("Source", deployment.source),
            *_code(deployment),
            ("Version", deployment.version),
            ("Tags", ", ".join(deployment.tags) or None),
            ("Parameters", as_json(deployment.shown_parameters)),
            ("Limit", None if limit is None else f"{limit} runs at once across all hosts"),
            ("Kept", kept_text(deployment)),
            ("Runners", ", ".join(deployment.runners) or "none: its runs wait until one serves it"),
        ]
    )
    _print_schedules(deployment, now_ms)
    if deployment.triggers:
        print_heading("Triggers")
        print_triggers([("", record) for record in deployment.triggers], now_ms)
    _print_accepted(deployment)


def print_versions(
    versions: Sequence[DeploymentVersion], now_ms: int, *, heading: bool = False
) -> None:
    """One line each."""
    if heading and versions:
        print_heading("Versions")
    headings = ("NUMBER", "SINCE", "VERSION", "CODE", "FROM", "CHANGES")
    rows = [
        (
            str(each.number),
            local(each.at_ms, now_ms),
            each.version or "-",
            version_code(each) or "-",
            each.host or "-",
            ", ".join(each.changes) or "-",
        )
        for each in versions
    ]
    if rows:
        print_table(headings, rows, folding=("VERSION", "CODE", "FROM", "CHANGES"))


def _code(deployment: Deployment) -> list[tuple[str, str]]:
    """What its runners execute, each different answer once."""
    told: dict[tuple[str, str], None] = {}
    for code in deployment.code.values():
        told["Code", code_text(code)] = None
        if code.trouble:
            told["Trouble", f"not the newest: {code.trouble.strip()}"] = None
        if code.misfit:
            told["Misfit", f"other parameters than registered: {code.misfit}"] = None
    return list(told)


def _row(deployment: Deployment, now_ms: int) -> tuple[str, ...]:
    return (
        deployment.name,
        status(deployment),
        ", ".join(rule_text(schedule) for schedule in deployment.schedules) or "-",
        relative(next_planned(deployment), now_ms),
        str(len(deployment.runners)),
    )


def _print_schedules(deployment: Deployment, now_ms: int) -> None:
    if not deployment.schedules:
        return
    print_heading("Schedules")
    print_table(
        ("SLUG", "RULE", "ACTIVE", "NEXT", "FROM"),
        [
            (
                schedule.definition.slug,
                rule_text(schedule),
                "yes" if schedule.definition.active else "no",
                _next_text(schedule, deployment.paused, now_ms),
                schedule.origin,
            )
            for schedule in deployment.schedules
        ],
        folding=("SLUG", "RULE"),
    )


def _next_text(schedule: ScheduleRecord, paused: bool, now_ms: int) -> str:
    """What a paused schedule had planned does not come."""
    if paused or not schedule.definition.active or schedule.next_ms is None:
        return "-"
    return local(schedule.next_ms, now_ms)


def _print_accepted(deployment: Deployment) -> None:
    """The parameters that its runs take."""
    if accepted := rows(deployment.parameter_schema):
        print_heading("Accepts")
        headings = ("PARAMETER", "TYPE", "DEFAULT")
        print_table(headings, accepted, folding=headings)
