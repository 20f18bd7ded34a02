"""How every group of commands is made."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup, TyperOption


def group(help_text: str, name: str | None = None) -> typer.Typer:
    """A group whose help is plain text; said alone it shows that help."""
    made = typer.Typer(
        name=name,
        help=help_text,
        cls=_QuickGroup,
        no_args_is_help=True,
        add_completion=False,  # costs the same import as below
        rich_markup_mode=None,  # rich alone takes longer to import than --help may take
        pretty_exceptions_enable=False,
    )
    # Without a callback typer makes a group of one command that command itself.
    made.callback()(_nothing)
    return made


class _QuickGroup(TyperGroup):
    """A group that can be passed through without pydantic.

    On the way to ``orchestrator run ls --help`` each group reads its own ``--help``, which was not
    given; typer sends a missing value through pydantic, and importing that takes longer than all
    the rest.
    """

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


def _nothing() -> None:
    """A group does nothing by itself."""
