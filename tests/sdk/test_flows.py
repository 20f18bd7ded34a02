"""``@flow``: names, options, calls."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InvalidName, InvalidOption, InvalidParameters, flow


@flow
def nightly_report(day: datetime.date, rows: int = 10) -> tuple[datetime.date, int]:
    """Sum up the day."""
    return day, rows


@flow(name="later", retries=2, retry_delay_seconds=1.5, timeout_seconds=60, log_prints=True)
async def asynchronous(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


class Shop:
    tax = 3

    def __init__(self, price: int) -> None:
        self.price = price

    @flow
    def total(self, count: int = 1) -> int:
        return self.price * count

    @flow
    @classmethod
    def taxed(cls, amount: int) -> int:
        return cls.tax + amount

    @flow
    @staticmethod
    def rounded(amount: int) -> int:
        return amount // 10 * 10


def test_defaults_come_from_the_function() -> None:
    assert nightly_report.name == "nightly-report"
    assert nightly_report.description == "Sum up the day."
    assert nightly_report.version == hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    assert nightly_report.__name__ == "nightly_report"
    assert repr(nightly_report) == "<Flow 'nightly-report'>"


def test_options_are_kept() -> None:
    options = asynchronous.options

    assert (asynchronous.name, asynchronous.log_prints) == ("later", True)
    assert (options.retries, options.retry_delay_seconds, options.timeout_seconds) == (2, 1.5, 60)
    assert asynchronous.description is None


def test_a_lambda_has_a_name_that_can_be_used() -> None:
    assert flow(lambda: 1).name == "unknown-lambda"


def test_without_a_source_file_there_is_no_version() -> None:
    namespace: dict[str, Any] = {}
    exec("def typed_in_a_shell(): pass", namespace)

    assert flow(namespace["typed_in_a_shell"]).version is None
    assert flow(version="v1")(namespace["typed_in_a_shell"]).version == "v1"


@pytest.mark.parametrize("name", ["a/b", "50%", "a&b", "a>b", "a<b", "", "  ", "a\nb", 3])
def test_bad_names(name: Any) -> None:
    with pytest.raises(InvalidName):
        flow(name=name)(lambda: 1)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("retry_delay_seconds", -0.1),
        ("retry_delay_seconds", float("nan")),
        ("retry_delay_seconds", "1"),
        ("timeout_seconds", 0),
        ("timeout_seconds", -1),
        ("timeout_seconds", float("inf")),
        ("timeout_seconds", True),
        ("cancel_grace_seconds", "soon"),
        ("retry_delay_seconds", []),
        ("retry_delay_seconds", [1, -1]),
        ("validate_parameters", 1),
        ("persist_result", "no"),
        ("result_serializer", "pickle"),
        ("flow_run_name", " "),
        ("flow_run_name", 3),
        ("flow_run_name", "{nobody}"),
        ("flow_run_name", "{"),
        ("on_failure", print),
        ("on_failure", ["print"]),
        ("on_lost", "ignore"),
        ("isolation", "thread"),
        ("log_prints", "yes"),
    ],
)
def test_bad_options(option: str, value: Any) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(InvalidOption) as refused:
        flow(**options)(lambda: 1)

    assert refused.value.option == option


def test_unknown_options_are_named() -> None:
    options: dict[str, Any] = {"retires": 3}
    with pytest.raises(TypeError, match="retires"):
        flow(**options)


@pytest.mark.parametrize("thing", [3, None, "name"])
def test_only_functions(thing: Any) -> None:
    with pytest.raises(TypeError, match="takes a function"):
        Flow(thing)


def test_a_call_runs_here_and_coerces() -> None:
    wanted = datetime.date(2026, 11, 22)
    loose: Any = nightly_report

    assert loose("2026-11-22", rows="7") == (wanted, 7)
    assert nightly_report.run_with({"day": "2026-11-22"}) == (wanted, 10)


def test_an_async_flow_is_awaited_by_whoever_calls_it() -> None:
    assert asyncio.run(asynchronous(1)) == 2
    assert asynchronous.run_with({"number": 1}) == 2


def test_refused_values_name_parameter_value_and_expectation() -> None:
    loose: Any = nightly_report

    with pytest.raises(InvalidParameters, match=r"rows: 'many': Input should be a valid integer"):
        loose("2026-11-22", rows="many")


def test_wrong_names() -> None:
    loose: Any = nightly_report

    with pytest.raises(TypeError):
        loose()
    with pytest.raises(InvalidParameters, match="day: is missing"):
        nightly_report.run_with({})
    with pytest.raises(InvalidParameters, match="days: is not a parameter"):
        nightly_report.run_with({"day": "2026-11-22", "days": 2})


def test_without_validation_values_come_as_they_are() -> None:
    def same(value: int) -> int:
        return value

    unchecked: Any = flow(validate_parameters=False)(same)

    assert unchecked("x") == "x"
    assert unchecked.run_with({"value": "x"}) == "x"


def test_methods() -> None:
    loose: Any = Shop

    assert Shop(4).total(2) == 8
    assert loose.taxed("1") == 4
    assert Shop.rounded(19) == 10
    assert flow(Shop(5).total.fn).run_with({"count": 3}) == 15


def test_every_kind_of_parameter() -> None:
    @flow
    def kinds(first: int, /, second: int = 2, *more: int, named: int = 4, **rest: int) -> Any:
        return first, second, more, named, rest

    given = {"first": 1, "more": ["3"], "named": "5", "extra": "6"}

    assert kinds.run_with(given) == (1, 2, (3,), 5, {"extra": 6})
    assert kinds(1, 2, 3, named=5, extra=6) == (1, 2, (3,), 5, {"extra": 6})
