"""``orchestrator config``: the settings that hold here."""

from __future__ import annotations

from orchestrator.cli.groups import group
from orchestrator.cli.output import Output, OutputOption, print_document, print_table

app = group("See the settings.")


@app.command("show")
def show(output: OutputOption = Output.TEXT) -> None:
    """Show every setting and where its value comes from."""
    from orchestrator.settings import Source, load_settings
    from orchestrator.store.connection import mask

    settings = [
        Source(source.name, mask(str(source.value)), source.origin)
        if source.name == "redis_url" and source.value is not None
        else source
        for source in load_settings().sources()
    ]
    if output is Output.JSON:
        print_document({s.name: {"value": s.value, "origin": s.origin} for s in settings})
        return
    rows = [(s.name, "(embedded)" if s.value is None else str(s.value), s.origin) for s in settings]
    print_table(("SETTING", "VALUE", "FROM"), rows, folding=("VALUE", "FROM"))
