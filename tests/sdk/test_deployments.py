"""``to_deployment``: options, checked where they are written."""

from __future__ import annotations

import math
import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator import (
    Cron,
    Deployment,
    EntrypointType,
    FlowNotLoaded,
    Interval,
    InvalidInput,
    InvalidName,
    InvalidOption,
    InvalidParameters,
    flow,
    freeze,
)
from orchestrator.deployment import DeploymentOptions
from orchestrator.execution.loading import load_flow
from orchestrator.model.documents import LARGEST_BYTES
from orchestrator.origin import source_of
from orchestrator.store.validation import check_parameters


@flow(name="copy", version="7")
def copy_files(source: str, target: str = "here", *, count: int = 1) -> str:
    """Copy files."""
    return f"{source}->{target}" * count


def deployed(**options: Any) -> Deployment:
    return copy_files.to_deployment("it", **options)


def test_defaults() -> None:
    deployment = deployed()
    definition = deployment.definition

    assert deployment.name == "copy/it"
    assert (definition.version, definition.description) == ("7", "Copy files.")
    assert (definition.tags, definition.parameters, definition.schedules) == ((), {}, ())
    assert (definition.paused, definition.concurrency_limit) == (None, None)
    assert definition.enforce_parameter_schema is True
    assert definition.options == copy_files.options
    assert definition.entrypoint.endswith(":copy_files")


def test_a_flow_without_docstring_has_no_description() -> None:
    assert flow(lambda: 1).to_deployment("x").definition.description is None


def test_options_are_kept() -> None:
    definition = deployed(
        description="d",
        version="v",
        tags=["a", "b", "a"],
        parameters={"count": 2},
        paused=True,
        enforce_parameter_schema=False,
        global_limit=3,
        retention_days=0.5,
    ).definition

    assert (definition.description, definition.version) == ("d", "v")
    assert (definition.tags, definition.parameters) == (("a", "b"), {"count": 2})
    assert (definition.paused, definition.enforce_parameter_schema) == (True, False)
    assert (definition.concurrency_limit, definition.retention_days) == (3, 0.5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"interval": 60}, ["60"]),
        ({"interval": timedelta(minutes=1)}, ["60"]),
        ({"interval": [60, timedelta(hours=1)]}, ["60", "3600"]),
        ({"cron": "0 9 * * 1-5"}, ["0 9 * * 1-5"]),
        ({"cron": ("* * * * *", "@hourly")}, ["* * * * *", "@hourly"]),
        ({"rrule": "FREQ=DAILY"}, ["FREQ=DAILY"]),
        ({"rrule": ["FREQ=DAILY", "FREQ=WEEKLY"]}, ["FREQ=DAILY", "FREQ=WEEKLY"]),
        ({"schedule": Cron("* * * * *")}, ["* * * * *"]),
        ({"schedule": {"rrule": "FREQ=DAILY", "slug": "x"}}, ["FREQ=DAILY"]),
        ({"schedules": [{"cron": "* * * * *"}, Interval(5)]}, ["* * * * *", "5"]),
        ({"schedules": [Interval(5), Cron("* * * * *")]}, ["5", "* * * * *"]),
        ({"schedules": []}, []),
        ({"interval": None, "cron": None}, []),
    ],
)
def test_schedules(options: dict[str, Any], expected: list[str]) -> None:
    schedules = deployed(**options).definition.schedules

    assert [schedule.expression for schedule in schedules] == expected
    assert len({schedule.slug for schedule in schedules}) == len(expected)


def test_the_name_of_a_file_means_its_stem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("etl.py").touch()

    assert copy_files.to_deployment(__file__).name == "copy/test_deployments"
    assert copy_files.to_deployment("etl.py").name == "copy/etl"
    assert copy_files.to_deployment("etl-0.0.5").name == "copy/etl-0.0.5"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "50%", "a<b", "\0", None, 3, "x" * 501])
def test_bad_names(name: Any) -> None:
    with pytest.raises(InvalidName):
        copy_files.to_deployment(name)


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"interval": 5, "cron": "* * * * *"}, "cron.*interval is given too"),
    ({"schedule": Interval(5), "schedules": []}, "schedules.*schedule is given too"),
    ({"cron": "* * * * *", "rrule": "FREQ=DAILY"}, "rrule.*cron is given too"),
    ({"schedule": {"cron": "* * * * *", "colour": 1}}, "'colour' is none of active, anchor_date"),
    ({"schedules": {"cron": "* * * * *"}}, "schedules=.*must be a list"),
    ({"schedule": "* * * * *"}, "schedule=.*must be a Schedule"),
    ({"schedules": Interval(5)}, "schedules=.*must be a list"),
    ({"schedules": ["* * * * *"]}, "must be a Schedule"),
    ({"interval": 0}, "0"),
    ({"interval": "often"}, "often"),
    ({"cron": "61 * * * *"}, "61"),
    ({"cron": 5}, "5"),
    ({"paused": "no"}, "paused='no': must be True or False"),
    ({"enforce_parameter_schema": 1}, "enforce_parameter_schema=1"),
    ({"description": 3}, "description=3: must be a text"),
    ({"version": 3}, "version=3: must be a text"),
    ({"tags": "one"}, "tags='one': must be a list"),
    ({"tags": [1]}, "must be a text"),
    ({"tags": [""]}, "must be a text, and not empty"),
    ({"limit": 0}, "limit=0: must be a whole number, 1 or more"),
    ({"limit": -1}, "limit=-1"),
    ({"limit": 1.5}, "limit=1.5"),
    ({"limit": True}, "limit=True"),
    ({"concurrency_limit": 0}, "concurrency_limit=0"),
    ({"global_limit": -2}, "global_limit=-2"),
    ({"global_limit": 1, "concurrency_limit": 2}, "is the same as concurrency_limit"),
    ({"retention_days": 0}, "retention_days=0: must be a number of days, more than 0"),
    ({"retention_days": 40_000}, "at most 36,525"),
    ({"retention_days": math.nan}, "retention_days=nan"),
    ({"retention_days": True}, "retention_days=True"),
    ({"retention_days": "3"}, "retention_days='3'"),
    ({"pause_on_shutdown": "yes"}, "pause_on_shutdown='yes'"),
    ({"print_starting_message": 0}, "print_starting_message=0"),
    ({"parameters": [1]}, "parameters=.*must map names to values"),
    ({"schedules": [Cron("* * * * *", slug="a"), Interval(5, slug="a")]}, "two schedules"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=[str(o) for o, _ in BAD_OPTIONS])
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        deployed(**options)


def test_unknown_options_are_named() -> None:
    with pytest.raises(TypeError, match="no option croon"):
        deployed(croon="* * * * *")


circular: list[Any] = []
circular.append(circular)

BAD_PARAMETERS: list[tuple[dict[Any, Any], str]] = [
    ({"target": 3}, r'target: 3 is not of type "string"'),
    ({"count": "3"}, r'count: "3" is not of type "integer"'),
    ({"count": True}, r'count: true is not of type "integer"'),
    ({"other": 1}, "other: is not known"),
    ({"count": math.nan}, "count: JSON has no word for nan"),
    ({"count": math.inf}, "count: JSON has no word for inf"),
    ({"target": {1: 2}}, "target: a key must be a text, not 1"),
    ({3: 2}, "a key must be a text, not 3"),
    ({"target": 1j}, "target: JSON has no word for 1j of type complex"),
    ({"target": b"\xff"}, r"target: JSON has no word for b'\\xff'"),
    ({"target": [[{1j}]]}, r"target\.0\.0\.0: JSON has no word for 1j"),
    ({"target": datetime}, "target: JSON has no word for <class"),
    ({"target": "\ud800"}, "target: .* half a character"),
    ({"target": circular}, "nested too deeply"),
    ({"target": "x" * LARGEST_BYTES}, "bytes of JSON"),
]


@pytest.mark.parametrize(
    ("parameters", "message"), BAD_PARAMETERS, ids=[m for _, m in BAD_PARAMETERS]
)
def test_bad_parameters(parameters: dict[Any, Any], message: str) -> None:
    with pytest.raises(InvalidParameters, match=message):
        deployed(parameters=parameters)


def test_parameters_of_schedules_are_checked_too() -> None:
    with pytest.raises(InvalidParameters, match="count"):
        deployed(schedule=Interval(5, parameters={"count": "x"}))


def test_unchecked_parameters_are_json_all_the_same() -> None:
    odd = {"other": 1, "count": "x"}

    assert deployed(parameters=odd, enforce_parameter_schema=False).definition.parameters == odd
    with pytest.raises(InvalidParameters):
        deployed(parameters={"count": 1j}, enforce_parameter_schema=False)


def test_a_description_is_never_a_word_for_none() -> None:
    assert deployed(description=None).definition.description == "Copy files."
    assert deployed(description="").definition.description is None


def test_python_values_become_what_json_has_for_them() -> None:
    given = {"source": Path("/tmp/x"), "target": date(2026, 11, 22), "count": Decimal("2.50")}
    schedule = Interval(5, parameters={"target": timedelta(days=1, seconds=90)})
    definition = deployed(
        parameters=given, schedule=schedule, enforce_parameter_schema=False
    ).definition

    assert definition.parameters == {"source": "/tmp/x", "target": "2026-11-22", "count": "2.50"}
    assert definition.schedules[0].parameters == {"target": "P1DT90S"}


def test_a_frozen_value_is_the_only_one() -> None:
    definition = deployed(parameters={"count": freeze(2), "target": "there"}).definition
    count = definition.parameter_schema["properties"]["count"]

    assert definition.parameters == {"count": 2, "target": "there"}
    assert (count["readOnly"], count["enum"], count["type"]) == (True, [2], "integer")
    assert "readOnly" not in copy_files.parameters.schema()["properties"]["count"]
    with pytest.raises(InvalidParameters, match="count: 3: must be 2"):
        check_parameters("it", definition.parameter_schema, {"source": "a", "count": 3})
    with pytest.raises(InvalidParameters, match="count"):
        deployed(parameters={"count": freeze("x")})


@pytest.mark.parametrize("kind", [EntrypointType.FILE_PATH, "FILE_PATH", "file_path"])
def test_by_its_file(kind: Any) -> None:
    deployment = deployed(entrypoint_type=kind)

    assert deployment.source == {"path": str(Path(__file__).resolve()), "qualname": "copy_files"}
    assert deployment.definition.entrypoint.endswith("test_deployments.py:copy_files")


def test_by_its_module() -> None:
    deployment = deployed(entrypoint_type=EntrypointType.MODULE_PATH)

    assert deployment.source == {"module": __name__, "qualname": "copy_files"}
    assert deployment.definition.entrypoint == f"{__name__}:copy_files"


def test_a_flow_without_source_has_no_entrypoint_of_a_kind() -> None:
    typed = flow(lambda: 1)

    for kind, word in (("FILE_PATH", "file"), ("MODULE_PATH", "module")):
        with pytest.raises(InvalidOption, match=f"is found in no {word} by its name"):
            typed.to_deployment("x", entrypoint_type=kind)
    with pytest.raises(InvalidOption, match="must be one of FILE_PATH, MODULE_PATH"):
        typed.to_deployment("x", entrypoint_type="notebook")


def test_whatever_serve_takes_is_taken() -> None:
    """S8: exactly the same options."""
    given: DeploymentOptions = {"limit": 2, "pause_on_shutdown": False}

    assert copy_files.to_deployment("x", **given).serving == given


def test_a_flow_with_a_name_is_found_by_its_place() -> None:
    source = source_of(copy_files)

    assert source == {"module": __name__, "qualname": "copy_files"}
    assert load_flow(source).run_with({"source": "a"}) == "a->here"


def test_a_flow_without_one_travels_by_value() -> None:
    offset = 40

    class Adder:
        def __init__(self, start: int) -> None:
            self.start = start

        @flow
        def add(self, number: int) -> int:
            return self.start + number

    closure = flow(lambda number: offset + number)
    for each in (closure, Adder(40).add, flow(name="again")(copy_files.fn)):
        assert set(source_of(each)) == {"pickle"}
    for adding in (closure, Adder(40).add):
        assert load_flow(source_of(adding)).run_with({"number": 2}) == 42


def test_what_cannot_be_pickled_is_said() -> None:
    lock = threading.Lock()
    closure = flow(lambda: lock)

    with pytest.raises(FlowNotLoaded, match=r"cannot be pickled.*top level of a file"):
        closure.to_deployment("x")


def test_a_limit_given_twice_alike_is_one() -> None:
    assert deployed(global_limit=2, concurrency_limit=2).definition.concurrency_limit == 2


def test_errors_tell_the_option() -> None:
    with pytest.raises(InvalidOption) as refused:
        deployed(limit=0)

    assert (refused.value.option, refused.value.value) == ("limit", 0)
