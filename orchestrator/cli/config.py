"""``orchestrator config``: the settings that hold here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.groups import group
from orchestrator.cli.output import Output, OutputOption, print_document, print_table
from orchestrator.model.secrets import MASK

if TYPE_CHECKING:
    from orchestrator.settings import Source

app = group("See the settings.")


@app.command("show")
def show(output: OutputOption = Output.TEXT) -> None:
    """Show every setting and where its value comes from."""
    from orchestrator.settings import load_settings

    settings = [_masked(source) for source in load_settings().sources()]
    if output is Output.JSON:
        print_document({s.name: {"value": s.value, "origin": s.origin} for s in settings})
        return
    rows = [
        (s.name, _ABSENT.get(s.name, "") if s.value is None else str(s.value), s.origin)
        for s in settings
    ]
    print_table(("SETTING", "VALUE", "FROM"), rows, folding=("VALUE", "FROM"))


_ABSENT = {"redis_url": "(embedded)", "api_key": "(none)", "webhook_secret": "(none)"}


def _masked(source: Source) -> Source:
    """The setting without the secret in it."""
    from orchestrator.settings import Source
    from orchestrator.store.connection import mask

    if source.value is None:
        return source
    match source.name:
        case "redis_url":
            return Source(source.name, mask(str(source.value)), source.origin)
        case "api_key" | "webhook_secret":
            return Source(source.name, MASK, source.origin)
        case _:
            return source
