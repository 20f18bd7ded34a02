"""Forms from schemas: what they show, what they read, and how faults find their fields."""

from __future__ import annotations

import re
from typing import Any

import pytest

from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.model.ids import RunId
from orchestrator.store.leases import start_run
from orchestrator.ui.form_documents import read_document
from orchestrator.ui.form_field import Field
from orchestrator.ui.form_fields import Fields
from orchestrator.ui.form_reading import read_form
from tests.api.serving import Served
from tests.cli.seeds import HELLO, Seeds
from tests.ui.browsing import page, send, text_of
from tests.ui.sending import sent_by

ADDRESS = {
    "type": "object",
    "title": "Address",
    "properties": {"city": {"type": "string", "default": "Berlin"}, "street": {"type": "string"}},
    "required": ["street"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "you", "position": 0},
        "times": {"type": "integer", "minimum": 1, "position": 1},
        "share": {"type": "number", "default": 0.5, "position": 2},
        "size": {"enum": ["small", 2, None], "default": "small", "position": 3},
        "dry": {"type": "boolean", "default": False, "position": 4},
        "on": {"type": "string", "format": "date", "position": 5},
        "to": {"$ref": "#/definitions/Address", "position": 6},
        "back": {
            "anyOf": [{"$ref": "#/definitions/Address"}, {"type": "null"}],
            "default": None,
            "position": 7,
        },
        "who": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 1, "position": 8},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "position": 9},
        "tags": {"type": "array", "items": {"type": "string"}, "default": ["a"], "position": 10},
        "key": {"type": "string", "format": "password", "writeOnly": True, "position": 11},
        "more": {"position": 12},
    },
    "required": ["times", "to"],
    "additionalProperties": False,
    "definitions": {"Address": ADDRESS},
}
HELD = {"key": "hush", "times": 3}


def fields(held: dict[str, Any] | None = None) -> dict[str, Field]:
    return {each.label: each for each in Fields(SCHEMA).form(held or {}).fields}


def texts(held: dict[str, Any] | None = None, **changed: str) -> dict[str, str]:
    """What a browser sends when somebody changed these."""
    return sent_by(fields(held).values(), **changed)


def read(held: dict[str, Any] | None = None, **changed: str) -> dict[str, Any]:
    return read_form("f/d", list(fields(held).values()), texts(held, **changed))


def test_kinds() -> None:
    kinds = {name: each.kind for name, each in fields().items()}
    assert kinds == {
        "name": "text",
        "times": "number",
        "share": "number",
        "size": "choice",
        "dry": "choice",
        "on": "date",
        "to": "group",
        "back": "union",
        "who": "union",
        "note": "text",
        "tags": "lines",
        "key": "secret",
        "more": "json",
    }


def test_what_nobody_changed_is_left_to_the_defaults() -> None:
    assert read(HELD) == {"to": {"city": "Berlin"}}


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ({"p/name": "Ada"}, {"name": "Ada"}),
        ({"p/name": ""}, {"name": ""}),
        ({"p/times": "7"}, {"times": 7}),
        ({"p/times": "seven"}, {"times": "seven"}),
        ({"p/share": "0.25"}, {"share": 0.25}),
        ({"p/share": "nan"}, {"share": "nan"}),
        ({"p/size": "2"}, {"size": 2}),
        ({"p/dry": "true"}, {"dry": True}),
        ({"p/on": "2026-11-22"}, {"on": "2026-11-22"}),
        ({"p/to/street": "Main St"}, {"to": {"city": "Berlin", "street": "Main St"}}),
        ({"p/back?": "0", "p/back?0/street": "B"}, {"back": {"city": "Berlin", "street": "B"}}),
        ({"p/who?": "1", "p/who?1": "7"}, {"who": "7"}),
        ({"p/who?": "0", "p/who?0": "7"}, {"who": 7}),
        ({"p/note": "hm"}, {"note": "hm"}),
        ({"p/tags": "a\r\nb\r\n"}, {"tags": ["a", "b"]}),
        ({"p/tags": ""}, {"tags": []}),
        ({"p/key": "other"}, {"key": "other"}),
        ({"p/more": '{"a": [1, true]}'}, {"more": {"a": [1, True]}}),
    ],
)
def test_what_was_typed(changed: dict[str, str], value: dict[str, Any]) -> None:
    assert read(HELD, **changed) == {"to": {"city": "Berlin"}, **value}


def test_what_must_be_json() -> None:
    with pytest.raises(InvalidParameters, match="more: is no JSON"):
        read(HELD, **{"p/more": "{"})


def test_secrets_are_never_in_a_form() -> None:
    made = fields({"key": "hush"})["key"]
    assert made.text == ""
    assert "hush" not in str(Fields(SCHEMA, {"p/key": "hush"}).form({}).fields[-2].text)


def test_faults_find_their_fields() -> None:
    faults = [
        ParameterFault("to.street", "is missing"),
        ParameterFault("times", "is too small"),
        ParameterFault("tags.3", "is no text"),
        ParameterFault("", "are too large"),
        ParameterFault("other", "is not known"),
    ]
    form = Fields(SCHEMA, {}, faults).form({})
    made = {each.label: each for each in form.fields}

    assert made["to"].inner[0].faults == ("is missing",)
    assert made["times"].faults == ("is too small",)
    assert made["tags"].faults == ("is no text",)
    assert form.faults == ("are too large", "other is not known")


def test_a_document_keeps_what_is_masked() -> None:
    text = '{"key": "**********", "times": 4, "name": "you"}'
    assert read_document("f/d", text, {**HELD, "name": "you"}, SCHEMA) == {"times": 4}


@pytest.mark.parametrize("text", ["[1]", "{", "NaN", '{"a": NaN}'])
def test_a_document_that_is_none(text: str) -> None:
    with pytest.raises(InvalidParameters):
        read_document("f/d", text, {}, SCHEMA)


def test_asking_for_a_run(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=SCHEMA, parameters=HELD)
    place = f"/deployments/{HELLO}/run"
    assert "hush" not in page(pages, place) + page(pages, f"{place}?mode=json")

    refused = send(pages, place, mode="form", **texts(HELD, **{"p/times": "0", "p/name": "Ada"}))
    assert refused.status == 422
    shown = text_of(refused)
    assert 'value="Ada"' in shown
    assert re.search(r'id="p/times-fault-1">.*less than the minimum', shown, re.DOTALL)
    assert re.search(r'id="p/to/street-fault-1">.*is missing', shown, re.DOTALL)

    sent = texts(HELD, **{"p/to/street": "Main St"})
    made = send(pages, place, mode="form", tags="one, two", name="mine", **sent)
    assert made.status == 303
    shown = page(pages, made.headers["location"])
    assert "mine" in shown
    assert "Main St" in shown
    assert "hush" not in shown


def test_from_fields_to_json_and_back(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=SCHEMA, parameters=HELD)
    place = f"/deployments/{HELLO}/run"

    sent = texts(HELD, **{"p/to/street": "Main St"})
    as_json = text_of(send(pages, place, mode="form", switch="1", **sent))
    assert "&#34;street&#34;: &#34;Main St&#34;" in as_json
    assert "hush" not in as_json
    document = '{"times": 5, "to": {"street": "Side St"}}'
    back = text_of(send(pages, place, mode="json", switch="1", json=document))
    assert 'value="Side St"' in back


def test_a_start_time_in_a_zone(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    place = f"/deployments/{HELLO}/run"
    made = send(pages, place, mode="form", at="2090-01-01T09:00", zone="Europe/Berlin")
    assert "2090-01-01 08:00:00 UTC" in page(pages, made.headers["location"])

    refused = send(pages, place, mode="form", at="soon")
    assert "start time" in text_of(refused)


def test_a_retry_with_other_parameters(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    seeds.waiting(HELLO, times=2)
    claimed = seeds.claim()
    assert claimed is not None
    seeds.store.call(start_run(RunId(claimed.run_id), claimed.token, 1))
    run_id = seeds.finish(claimed)
    assert 'value="2"' in page(pages, f"/runs/{run_id}/retry")

    sent = {"p/name": "Bob", "p/times": "2"}
    made = send(pages, f"/runs/{run_id}/retry", mode="form", **sent)

    shown = page(pages, made.headers["location"])
    assert "&#34;name&#34;: &#34;Bob&#34;" in shown
    assert "&#34;times&#34;: 2" in shown


def test_a_schedule_is_previewed_added_and_changed(pages: Served, seeds: Seeds) -> None:
    seeds.deployment()
    place = f"/deployments/{HELLO}"
    rule = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin", "day_or": "1"}

    assert "02:30:00" in text_of(send(pages, f"{place}/preview", **rule))
    wrong = text_of(send(pages, f"{place}/preview", **(rule | {"expression": "61 * * * *"})))
    assert "61" in wrong
    assert send(pages, f"{place}/schedules", **rule).status == 303
    assert "30 2 * * * Europe/Berlin" in page(pages, place)
    changed = {"kind": "interval", "expression": "1h30m", "timezone": "UTC", "overlap": "skip"}
    assert send(pages, f"{place}/schedules/cron-1", **changed).status == 303
    shown = page(pages, place)
    assert "every 1h 30m" in shown
    assert "overlap: skip" in shown
    refused = send(pages, f"{place}/schedules", kind="interval", expression="often")
    assert refused.status == 422
    assert "no duration" in text_of(refused)


LINES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "default": [{"article": "a"}]}
    },
    "$defs": {
        "Line": {
            "type": "object",
            "title": "Line",
            "properties": {
                "article": {"type": "string"},
                "count": {"type": "integer", "default": 1},
                "to": ADDRESS,
            },
            "required": ["article"],
        }
    },
}


def lines_in(shown: str) -> dict[str, str]:
    """What a browser would send of the fields of a list."""
    found = re.findall(r'name="(p/lines[^"]*)"(?: [a-z-]+="[^"]*")* value="([^"]*)"', shown)
    return dict(found)


def test_rows_are_added_and_taken_away(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=LINES, parameters={})
    place = f"/deployments/{HELLO}/run"
    first = lines_in(page(pages, place))
    assert first["p/lines#"] == "1"
    assert first["p/lines/0/article"] == "a"

    two = lines_in(text_of(send(pages, place, rows="+p/lines", **first)))
    assert (two["p/lines#"], two["p/lines/1/article"], two["p/lines/1/count"]) == ("2", "", "1")
    assert two["p/lines/1/to/city"] == "Berlin"
    typed = two | {"p/lines/1/article": "b", "p/lines/1/count": "7", "p/lines/1/to/street": "Side"}
    one = lines_in(text_of(send(pages, place, rows="-p/lines/0", **typed)))
    assert (one["p/lines#"], one["p/lines/0/article"], one["p/lines/0/count"]) == ("1", "b", "7")
    assert "p/lines/1/article" not in one

    made = send(pages, place, mode="form", **one)
    shown = page(pages, made.headers["location"])
    assert "&#34;article&#34;: &#34;b&#34;" in shown
    assert "&#34;street&#34;: &#34;Side&#34;" in shown
    assert "&#34;article&#34;: &#34;a&#34;" not in shown


def test_a_fault_is_said_in_its_row(pages: Served, seeds: Seeds) -> None:
    seeds.deployment(parameter_schema=LINES)
    place = f"/deployments/{HELLO}/run"
    wrong = lines_in(page(pages, place)) | {"p/lines/0/count": "many"}

    answer = send(pages, place, mode="form", **wrong)

    assert answer.status == 422
    assert 'id="p/lines/0/count-fault-1"' in text_of(answer)


@pytest.mark.parametrize("wish", ["-p/lines/7", "-p/lines/x", "-", "+", "+p/none", "lines", "-/"])
def test_rows_that_are_not_there(pages: Served, seeds: Seeds, wish: str) -> None:
    seeds.deployment(parameter_schema=LINES)
    place = f"/deployments/{HELLO}/run"
    first = lines_in(page(pages, place))

    assert lines_in(text_of(send(pages, place, rows=wish, **first)))["p/lines#"] == "1"


def test_what_has_no_place_in_rows_is_json() -> None:
    def kind(value: Any) -> list[str]:
        (made,) = Fields(LINES).form({"lines": value}).fields
        return [made.kind, *(each.kind for each in made.inner)]

    assert kind([{"article": "a"}]) == ["rows", "group"]
    assert kind([]) == ["rows"]
    assert kind([{"other": "a"}, "a"]) == ["rows", "json", "json"]
    assert kind([{"article": "a"}] * 201) == ["json"]
    assert kind({"article": "a"}) == ["json"]
