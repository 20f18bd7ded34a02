"""``@flow``: names, options, calls."""

from __future__ import annotations

import asyncio
import datetime
import functools
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InvalidName, InvalidOption, InvalidParameters, flow
from orchestrator.model.deployment import FlowOptions


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


@pytest.mark.parametrize("name", ["x" * 500, "Überweisung ☃ 支付", "a.b-c_d 0.0.5"])
def test_unusual_names_that_can_be_used(name: str) -> None:
    assert flow(name=name)(lambda: 1).to_deployment(name).name == f"{name}/{name}"


@pytest.mark.parametrize(
    "name", ["a/b", "50%", "a&b", "a>b", "a<b", "", "  ", ".", "..", "a\nb", 3]
)
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
        ("cpu_limit", 0),
        ("cpu_limit", "1"),
        ("memory_limit", 0),
        ("memory_limit", 512),
        ("memory_limit", "512"),
        ("memory_limit", "much"),
        ("memory_limit", 5e9),
        ("memory_limit", True),
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


def test_a_generator_goes_on_to_its_end_in_a_run() -> None:
    seen: list[int] = []

    @flow
    def rows(count: int) -> Generator[int, None, str]:
        for number in range(count):
            seen.append(number)
            yield number
        return "all"

    assert list(rows(2)) == [0, 1], "a call answers the generator, as that of a function does"
    assert rows.run_with({"count": 3}) == "all"
    assert seen == [0, 1, 0, 1, 2]


def test_an_asynchronous_generator_does_too() -> None:
    seen: list[int] = []

    @flow
    async def rows() -> AsyncIterator[int]:
        for number in range(2):
            seen.append(number)
            yield number

    assert rows.run_with({}) is None
    assert seen == [0, 1]


@pytest.mark.parametrize("name", ["return_state", "wait_for", "v__args", "v__kwargs"])
def test_reserved_names_of_parameters(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def fn({name}=1): pass", namespace)

    with pytest.raises(InvalidName, match=f"parameter name '{name}' is reserved"):
        flow(namespace["fn"])


def test_none_stands_for_the_default() -> None:
    fresh = flow(retries=None, log_prints=None, timeout_seconds=None, name=None)(lambda: 1)

    assert fresh.options == flow(lambda: 1).options
    assert fresh.name == "unknown-lambda"


def test_with_options_makes_a_copy() -> None:
    other = asynchronous.with_options(name="soon", retries=0, timeout_seconds=0, log_prints=None)

    assert (other.name, other.log_prints, other.fn) == ("soon", True, asynchronous.fn)
    assert (other.options.retries, other.options.timeout_seconds) == (0, None)
    assert other.options.retry_delay_seconds == 1.5
    assert asynchronous.name == "later"
    with pytest.raises(InvalidOption):
        asynchronous.with_options(retries=-1)
    with pytest.raises(TypeError, match="no option retires"):
        asynchronous.with_options(retires=1)  # type: ignore[call-arg]


def test_limits_are_kept_in_bytes_and_seconds() -> None:
    limited = flow(memory_limit="1.5 GiB", cpu_limit=90)(lambda: 1)

    assert (limited.options.memory_limit, limited.options.cpu_limit) == (1536 * 1024**2, 90)
    free = limited.with_options(memory_limit=0, cpu_limit=0).options
    assert (free.memory_limit, free.cpu_limit) == (None, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(2, 2), ([1, 2.5], (1, 2.5)), (lambda retries: [1] * retries, (1, 1, 1))],
)
def test_delays_before_retries(given: Any, kept: Any) -> None:
    options = flow(retries=3, retry_delay_seconds=given)(lambda: 1).options

    assert options.retry_delay_seconds == kept
    assert FlowOptions.from_json(json.loads(json.dumps(asdict(options)))) == options


def test_options_of_a_newer_version_are_passed_over() -> None:
    assert FlowOptions.from_json({"retries": 1, "mood": "good"}) == FlowOptions(retries=1)


def test_prints_are_logged_as_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_LOG_PRINTS", "true")

    assert flow(lambda: 1).log_prints is True
    assert flow(log_prints=False)(lambda: 1).log_prints is False


def test_hooks_are_kept_in_order() -> None:
    def first(flow: Any, run: Any, state: Any) -> None: ...

    watched = flow(on_failure=[first])(lambda: 1)

    @watched.on_failure
    def second(flow: Any, run: Any, state: Any) -> None: ...

    copy = watched.with_options(retries=1)
    watched.on_completion(first)
    assert watched.hooks["on_failure"] == copy.hooks["on_failure"] == [first, second]
    assert (watched.hooks["on_completion"], copy.hooks["on_completion"]) == ([first], [])


def test_names_for_runs() -> None:
    def of_all(parameters: dict[str, Any]) -> str:
        return f"{parameters['rows']} rows"

    def made(made_by: Any) -> str | None:
        return nightly_report.with_options(flow_run_name=made_by).run_name({"day": "2026-11-22"})

    assert made("{day:%A}, {rows} rows") == "Sunday, 10 rows"
    assert made(lambda: "same") == "same"
    assert made(of_all) == "10 rows"
    assert nightly_report.run_name({"day": "2026-11-22"}) is None
    with pytest.raises(TypeError, match="a name must be a text"):
        made(lambda: 3)


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


def test_a_decorated_function_gets_positions_where_it_takes_no_names() -> None:
    """It shows the signature of the function inside; a decorator may pass on what it gets by
    position only, or look at the first argument."""

    def loudly(fn: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(fn)
        def call(first: str, *others: int) -> str:
            return fn(first.upper(), *others)

        return call

    @flow
    @loudly
    def decorated(text: str, times: int = 2) -> str:
        return text * times

    assert decorated.run_with({"text": "a"}) == "AA"
    assert decorated.run_with({"text": "a", "times": 3}) == "AAA"
    assert decorated("b", times=1) == "B"


def test_every_kind_of_parameter() -> None:
    @flow
    def kinds(first: int, /, second: int = 2, *more: int, named: int = 4, **rest: int) -> Any:
        return first, second, more, named, rest

    given = {"first": 1, "more": ["3"], "named": "5", "extra": "6"}

    assert kinds.run_with(given) == (1, 2, (3,), 5, {"extra": 6})
    assert kinds(1, 2, 3, named=5, extra=6) == (1, 2, (3,), 5, {"extra": 6})
