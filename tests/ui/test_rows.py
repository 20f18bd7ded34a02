"""Lists, mappings, unions and moments in the form of a run; and secrets within them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.model.errors import InvalidParameters
from orchestrator.model.secrets import MASK
from orchestrator.ui.form_documents import read_document
from orchestrator.ui.form_fields import Fields
from orchestrator.ui.form_reading import read_form
from orchestrator.ui.form_rows import changed_rows
from tests.api.serving import Served
from tests.cli.seeds import HELLO, Seeds
from tests.ui.browsing import page, send, text_of
from tests.ui.sending import sent_by

SECRET = {"type": "string", "format": "password", "writeOnly": True}
DOOR = {
    "type": "object",
    "title": "Door",
    "properties": {"name": {"type": "string"}, "pin": SECRET},
    "required": ["name", "pin"],
}
FRONT, BACK = {"name": "front", "pin": "1111"}, {"name": "back", "pin": "2222"}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def read(
    schema: dict[str, Any], held: dict[str, Any], wish: str = "", **changed: str
) -> dict[str, Any]:
    """What is read after a row was added or taken away, and then these fields were changed."""
    texts = sent_by(Fields(schema).form(held).fields)
    if wish:
        texts = changed_rows(wish, texts)
    texts = sent_by(Fields(schema, texts).form(held).fields, **changed)
    return read_form("f/d", Fields(schema, texts).form(held).fields, texts)


ENV = schema(env={"type": "object", "additionalProperties": {"type": "integer"}})


def test_a_mapping_is_edited_in_rows() -> None:
    held = {"env": {"a": 1, "b": 2}}
    assert read(ENV, held) == {}
    assert read(ENV, held, **{"p/env/0@key": "c"}) == {"env": {"c": 1, "b": 2}}
    assert read(ENV, held, "-p/env/0") == {"env": {"b": 2}}
    more = {"p/env/2@key": "c", "p/env/2": "3"}
    assert read(ENV, held, "+p/env", **more) == {"env": {"a": 1, "b": 2, "c": 3}}
    assert read(ENV, {"env": {"a": 1}}, "-p/env/0") == {"env": {}}


@pytest.mark.parametrize(
    ("changed", "where", "what"),
    [
        ({"p/env/1@key": "a"}, "env.2 key", "a is there twice"),
        ({"p/env/1@key": " "}, "env.2 key", "is empty: type a key, or remove the row"),
        ({"p/env/1": ""}, "env.b", "is missing"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_said_in_its_row(
    changed: dict[str, str], where: str, what: str
) -> None:
    with pytest.raises(InvalidParameters) as raised:
        read(ENV, {"env": {"a": 1, "b": 2}}, **changed)

    (fault,) = raised.value.faults
    assert (fault.where, fault.what) == (where, what)
    texts = sent_by(Fields(ENV).form({"env": {"a": 1, "b": 2}}).fields, **changed)
    form = Fields(ENV, texts, raised.value.faults).form({})
    row = form.fields[0].inner[1]
    assert (row.key.faults if row.key and "key" in where else row.faults) == (what,)
    assert form.faults == ()


def test_a_union_holds_a_list() -> None:
    either = schema(x={"anyOf": [{"type": "integer"}, {"type": "array", "items": DOOR}]})
    assert read(either, {"x": [FRONT, BACK]}, "-p/x?1/0") == {"x": [BACK]}
    assert read(either, {"x": [FRONT]}, **{"p/x?": "0", "p/x?0": "7"}) == {"x": 7}
    new = {"p/x?": "1", "p/x?1/0/name": "side", "p/x?1/0/pin": "3333"}
    assert read(either, {"x": 7}, "+p/x?1", **new) == {"x": [{"name": "side", "pin": "3333"}]}
    assert read(either, {"x": 7}, **{"p/x?": "1"}) == {"x": []}


def test_an_optional_list_may_be_nothing() -> None:
    maybe = schema(x={"anyOf": [{"type": "array", "items": DOOR}, {"type": "null"}]})
    assert read(maybe, {"x": [FRONT]}, **{"p/x?": "none"}) == {"x": None}
    assert read(maybe, {"x": None}) == {}


DOORS = schema(doors={"type": "array", "items": DOOR})


def test_a_secret_goes_with_its_row() -> None:
    held = {"doors": [FRONT, BACK]}
    texts = sent_by(Fields(DOORS).form(held).fields)
    assert not {"1111", "2222"} & set(texts.values())

    assert read(DOORS, held, "-p/doors/0") == {"doors": [BACK]}
    assert read(DOORS, held, **{"p/doors/0/name": "x"}) == {"doors": [{**FRONT, "name": "x"}, BACK]}
    found = read(DOORS, held, "+p/doors", **{"p/doors/2/name": "side"})
    assert found == {"doors": [FRONT, BACK, {"name": "side"}]}


def test_a_secret_goes_with_its_key() -> None:
    keys = schema(keys={"type": "object", "additionalProperties": SECRET})
    held = {"keys": {"a": "1111", "b": "2222"}}
    assert read(keys, held, **{"p/keys/1@key": "c"}) == {"keys": {"a": "1111", "c": "2222"}}
    assert read(keys, held, "-p/keys/0") == {"keys": {"b": "2222"}}


def test_rows_from_json_never_get_the_secret_of_another() -> None:
    held = {"doors": [FRONT, BACK]}
    fields = Fields(DOORS, fresh=["doors"]).form({"doors": [BACK]}).fields
    texts = sent_by(fields)

    found = read_form("f/d", Fields(DOORS, texts).form(held).fields, texts)

    assert found == {"doors": [{"name": "back"}]}


@pytest.mark.parametrize(
    ("names", "pins"),
    [
        (["front", "back"], ["1111", "2222"]),
        (["back"], ["2222"]),
        (["back", "front"], ["2222", "1111"]),
        (["front", "rear"], ["1111", "2222"]),
        (["rear"], None),
        (["front", "back", "side"], None),
    ],
)
def test_a_mask_stands_for_the_secret_of_its_own_item(
    names: list[str], pins: list[str] | None
) -> None:
    text = [{"name": name, "pin": MASK} for name in names]
    held = {"doors": [FRONT, BACK]}

    def found() -> dict[str, Any]:
        return read_document("f/d", json.dumps({"doors": text}), held, DOORS)

    if pins is None:
        with pytest.raises(InvalidParameters, match="write the value itself"):
            found()
    else:
        doors = [{"name": n, "pin": p} for n, p in zip(names, pins, strict=True)]
        assert {**held, **found()} == {"doors": doors}


def test_a_secret_is_in_no_kind_of_a_union() -> None:
    either = schema(x={"anyOf": [{"type": "string"}, SECRET, {"type": "boolean"}]})
    assert "hush" not in sent_by(Fields(either).form({"x": "hush"}).fields).values()
    assert read(either, {"x": "hush"}) == {}


WHEN = schema(at={"type": "string", "format": "date-time"})


@pytest.mark.parametrize(
    ("local", "zone", "value"),
    [
        ("2026-07-01T09:00", "Europe/Berlin", "2026-07-01T09:00:00+02:00"),
        ("2026-12-01T09:00:30", "Europe/Berlin", "2026-12-01T09:00:30+01:00"),
        ("2026-07-01T09:00", "UTC", "2026-07-01T09:00:00Z"),
        ("2026-07-01T09:00", "+05:45", "2026-07-01T09:00:00+05:45"),
        ("2026-07-01T09:00", "", "2026-07-01T09:00:00"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T02:30:00+02:00"),
        ("1890-01-01T00:00", "Europe/Berlin", "1889-12-31T23:06:32Z"),
        ("2026-07-01T09:00:00Z", "Europe/Berlin", "2026-07-01T09:00:00Z"),
    ],
)
def test_a_moment_in_a_zone(local: str, zone: str, value: str) -> None:
    assert read(WHEN, {}, **{"p/at": local, "p/at@zone": zone}) == {"at": value}


@pytest.mark.parametrize(
    ("local", "zone", "why"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "does not exist in Europe/Berlin.*03:00 next"),
        ("2026-07-01T09:00", "Europe/Berlim", "did you mean Europe/Berlin"),
        ("soon", "UTC", "is no time: write"),
        ("0001-01-01T00:00", "+14:00", "outside the years"),
        ("0001-01-01T00:00", "Asia/Tokyo", "outside the years"),
    ],
)
def test_a_moment_that_there_never_is(local: str, zone: str, why: str) -> None:
    with pytest.raises(InvalidParameters, match=f"at: {local} .*{why}"):
        read(WHEN, {}, **{"p/at": local, "p/at@zone": zone})


def test_what_a_moment_means_is_shown(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=WHEN, parameters={"at": "2026-07-01T09:00:00+02:00"})
    place = f"/deployments/{HELLO}/run"

    assert "2026-07-01 07:00:00 UTC" in page(pages, place)
    asked = "/moment?at=2026-10-25T02:30&zone=Europe/Berlin"
    assert "write +01:00 as the zone" in page(pages, asked)
    assert "no time zone" in page(pages, "/moment?at=2026-10-25T02:30&zone=Nowhere")
    assert "local to where the run happens" in page(pages, "/moment?at=2026-10-25T02:30")
    wrong = {"p/at": "2026-03-29T02:30", "p/at@zone": "Europe/Berlin"}
    refused = send(pages, place, mode="form", **wrong)
    assert refused.status == 422
    assert 'id="p/at-fault-1"' in text_of(refused)
    assert 'value="2026-03-29T02:30"' in text_of(refused)


def test_what_does_not_fit_its_fields_is_json(pages: Served, seeds: Seeds) -> None:
    """And stays so when it comes from JSON into a form that held something else."""
    seeds.deployment(parameter_schema=ENV, parameters={"env": {"a": 1}})
    place = f"/deployments/{HELLO}/run"
    document = '{"env": {"": 2}}'

    shown = text_of(send(pages, place, mode="json", switch="1", json=document))
    assert 'name="p/env@kind" value="json"' in shown
    sent = {"p/env@kind": "json", "p/env": document[8:-1]}
    made = send(pages, place, mode="form", **sent)
    assert "&#34;&#34;: 2" in page(pages, made.headers["location"])


def test_typed_secrets_are_asked_for_again(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=DOORS, parameters={"doors": [FRONT]})
    place = f"/deployments/{HELLO}/run"
    sent = sent_by(Fields(DOORS).form({"doors": [FRONT]}).fields, **{"p/doors/0/pin": "9999"})

    shown = text_of(send(pages, place, mode="form", switch="1", **sent))

    assert "type it again" in shown
    assert "9999" not in shown
