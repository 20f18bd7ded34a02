"""What several commands take: a deployment, and a run's parameters as typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from orchestrator.client.client import Client
    from orchestrator.model.deployment import Deployment

DeploymentArgument = Annotated[
    str, typer.Argument(metavar="DEPLOYMENT", help="The full name: flow/deployment.")
]
OnlyArgument = Annotated[
    str | None, typer.Argument(metavar="[DEPLOYMENT]", help="Only this one's.")
]
ParamOption = Annotated[
    list[str],
    typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="JSON if it parses, else the text. Repeat."
    ),
]
ParamsOption = Annotated[
    str | None, typer.Option("--params", metavar="JSON", help="Several at once; - reads stdin.")
]


def those_named(client: Client, name: str | None) -> list[Deployment]:
    """The one deployment, or all of them by name."""
    return client.deployments() if name is None else [client.deployment(name)]


def parse_parameters(pairs: Sequence[str], document: str | None) -> dict[str, Any]:
    """One dictionary; a ``-p`` wins over the same name in ``--params``.

    Raises:
        typer.BadParameter: malformed, or the same name in two ``-p``.
    """
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param / -p")
        if name in parameters:
            raise typer.BadParameter(f"{name!r} is given twice", param_hint="--param / -p")
        parameters[name] = _value(text)
    return {**(parse_document(document, "--params") or {}), **parameters}


def parse_document(text: str | None, hint: str) -> dict[str, Any] | None:
    """The JSON object of an option; ``-`` reads standard input.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    if text == "-":
        text = sys.stdin.read()
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=hint) from None
    if not isinstance(document, dict):
        raise typer.BadParameter(
            f"must be a JSON object, not {type(document).__name__}", param_hint=hint
        )
    return document


def _value(text: str) -> Any:
    """JSON if it is JSON, else the text itself."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> NoReturn:
    """Python reads NaN and Infinity, JSON knows neither."""
    raise ValueError(f"{constant} is no JSON")
