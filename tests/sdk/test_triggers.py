"""``EventTrigger``: what it takes, what it refuses, and its shortcuts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator import EventTrigger, flow
from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.errors import InvalidInput, InvalidOption
from orchestrator.triggers import with_names


@flow
def report(rows: int = 0) -> int:
    return rows


def test_objects_and_dicts_say_the_same() -> None:
    options: dict[str, Any] = {
        "expect": {"b", "a"},
        "match": {"id": "x"},
        "match_related": [{"role": "house"}],
        "after": ["c"],
        "for_each": "id",
        "posture": "Proactive",
        "threshold": 2,
        "within": timedelta(minutes=1),
        "parameters": {"rows": "{{ event.payload.rows }}"},
        "schedule_after": 5,
        "name": "mine",
    }
    made = report.to_deployment("a", triggers=[EventTrigger(**options)]).definition
    again = report.to_deployment("a", triggers=[{**options, "type": "event"}]).definition

    assert made == again
    (trigger,) = made.triggers
    assert (trigger.expect, trigger.within, trigger.name) == (("a", "b"), 60.0, "mine")
    assert DeploymentDefinition.from_json(made.to_json()) == made


def test_triggers_without_a_name_are_numbered() -> None:
    names = [each.name for each in with_names([{"expect": "a"}, {"expect": "b", "name": "x"}])]

    assert names == ["trigger-1", "x"]
    assert with_names(None) == with_names([]) == ()


def test_shortcuts() -> None:
    done = EventTrigger.after_completion("etl/nightly", parameters={"rows": "{{ run.result }}"})
    failed = EventTrigger.after_failure("etl/nightly", name="alarm")
    silent = EventTrigger.after_silence(timedelta(hours=1), of="etl/nightly")
    calm = EventTrigger.after_silence(3600, expect="sensor.*", for_each="id")

    (one, two, three, four) = with_names([done, failed, silent, calm])
    assert (one.expect, one.match) == (("run.Completed",), {"deployment": ("etl/nightly",)})
    assert two.expect == ("run.Failed", "run.TimedOut", "run.Crashed")
    assert (three.posture, three.within, three.expect) == ("Proactive", 3600.0, ("run.Completed",))
    assert (four.match, four.for_each) == ({}, ("id",))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"posture": "Passive"}, "'Reactive' or 'Proactive'"),
        ({"threshold": 0}, "from 1 to 1000"),
        ({"threshold": True}, "from 1 to 1000"),
        ({"within": -1}, "0 or more"),
        ({"within": "1h"}, "must be seconds"),
        ({"posture": "Proactive", "within": 0.5}, "1 s or longer"),
        ({"schedule_after": float("nan")}, "0 or more"),
        ({"expect": [1]}, "must be a text"),
        ({"expect": 1}, "must be a text, or several"),
        ({"expect": ""}, "not empty"),
        ({"match": "x"}, "must map labels"),
        ({"match": {1: "x"}}, "is no label"),
        ({"match": {"id": []}}, "has no value"),
        ({"match_related": ["x"]}, "must map labels"),
        ({"parameters": [1]}, "must map names"),
        ({"parameters": {"a": "{{ x"}}, "is no template"),
        ({"parameters": {"a": "{{ flow_run.id }}"}}, "not known"),
        ({"parameters": {"a": object()}}, "JSON has no word"),
        ({"name": "a/b"}, "contains"),
        ({"enabled": "yes"}, "True or False"),
        ({"description": None}, "must be a text"),
        ({"expect": "run.*"}, "would answer each step of the runs that it makes itself"),
        ({"expect": ()}, "would answer each step"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_is_written(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        EventTrigger(**{"expect": "x"} | options)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (EventTrigger(expect="x"), "must be a list"),
        ("x", "must be a list"),
        ([1], "must be an EventTrigger"),
        ([{"expects": "x"}], "'expects' is none of after, description"),
        ([{"type": "compound"}], "only triggers of the type 'event'"),
        ([{"expect": "x", "name": "a"}, {"expect": "y", "name": "a"}], "name of two"),
        ([{"expect": "x"}, {"expect": "y", "name": "trigger-1"}], "name of two"),
    ],
)
def test_what_is_no_list_of_triggers_is_refused(given: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        report.to_deployment("a", triggers=given)


def test_a_shortcut_needs_to_know_of_what() -> None:
    with pytest.raises(InvalidOption, match="full name"):
        EventTrigger.after_completion("etl")
    with pytest.raises(InvalidOption, match="either a deployment, or the events"):
        EventTrigger.after_silence(60)
    with pytest.raises(InvalidOption, match="either a deployment, or the events"):
        EventTrigger.after_silence(60, of="a/b", expect="x")
