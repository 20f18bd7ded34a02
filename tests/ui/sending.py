"""What a browser sends of a form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.ui.form_field import (
    CONTAINERS,
    Field,
    choice_name,
    count_name,
    key_name,
    kind_name,
    origin_name,
    zone_name,
)


def sent_by(fields: Iterable[Field], **changed: str) -> dict[str, str]:
    """The texts of all fields, with these changed."""
    return {**dict(_texts(fields)), **changed}


def _texts(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    for made in fields:
        yield kind_name(made.name), made.kind
        if made.kind == "union":
            yield choice_name(made.name), made.text
        if made.kind in ("rows", "entries"):
            yield count_name(made.name), str(len(made.inner))
            for each in made.inner:
                yield origin_name(each.name), each.origin
                if each.key:
                    yield key_name(each.name), each.key.text
        if made.kind == "moment":
            yield zone_name(made.name), "UTC" if made.zone is None else made.zone
        if made.kind not in CONTAINERS:
            yield made.name, made.text.replace("\n", "\r\n")
        yield from _texts(made.inner)
