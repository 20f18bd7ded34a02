"""Headers become locals, on one line; requests fill them in by name."""

from __future__ import annotations

import re

import pytest

from orchestrator.model.errors import RunNotFound
from orchestrator.model.ids import RunId
from orchestrator.store import keys
from orchestrator.store.requests import as_word, for_deployment, for_run, script_call
from orchestrator.store.scripts import FOLDER, script, script_names
from tests.store.scene import D, run_id


@pytest.mark.parametrize("name", script_names())
def test_line_numbers_stay(name: str) -> None:
    text = (FOLDER / f"{name}.lua").read_text()
    sent = script(name).source.decode().splitlines()
    changed = [
        at
        for at, pair in enumerate(zip(text.splitlines(), sent, strict=True))
        if len(set(pair)) > 1
    ]

    assert changed == [1], "only the header's first line"


@pytest.mark.parametrize("name", script_names())
def test_headers_come_in_order(name: str) -> None:
    text = (FOLDER / f"{name}.lua").read_text()
    header = re.findall(r"^-- (KEYS|ARGV|USES|REPLY)", text, re.MULTILINE)
    assert [word for word in header if word != "USES"] == ["KEYS", "ARGV", "REPLY"]


def test_names_are_filled_in() -> None:
    request = for_run(run_id(), "resume_run", as_word, by="me")
    assert request.words == (keys.run(run_id()), keys.outbox(D), "me", keys.control(D))
    assert request.keys == 2


def test_wrong_names_are_refused() -> None:
    with pytest.raises(TypeError, match="by"):
        for_run(run_id(), "resume_run", as_word)
    with pytest.raises(TypeError, match="colour"):
        for_run(run_id(), "resume_run", as_word, by="me", colour="red")
    with pytest.raises(TypeError, match="run"):
        for_deployment(D, "resume_run", as_word, by="me")
    with pytest.raises(TypeError, match="leader"):
        script_call("unlead", as_word, token="t")


def test_odd_ids_reach_no_key() -> None:
    with pytest.raises(RunNotFound):
        for_run(RunId("x}:deployment"), "resume_run", as_word, by="me")
