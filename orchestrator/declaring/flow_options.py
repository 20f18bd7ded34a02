"""What ``@flow`` takes besides the function, checked where it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

from orchestrator.execution.hooks import Hook
from orchestrator.model.deployment import FlowOptions
from orchestrator.model.errors import InvalidOption
from orchestrator.model.sizes import parse_size, shown_size

LEAST_MEMORY = 1024 * 1024
"""Who writes ``memory_limit=512`` means megabytes."""

Delays = float | Sequence[float] | Callable[[int], Sequence[float]]


class FlowArguments(TypedDict, total=False):
    """Options of ``@flow``. None stands for the default."""

    name: str | None
    """Default: the function's name with ``-`` for ``_``."""
    description: str | None
    """Default: the docstring."""
    version: str | None
    """Any text; default: a hash of the source file."""
    flow_run_name: str | Callable[..., str] | None
    """What to call runs that were given no name: ``"{who}-on-{day:%A}"`` over the parameters, or
    a function that answers a text (of ``parameters``, if it takes that)."""
    retries: int | None
    """Further attempts after a failure, a timeout or a crash; default 0."""
    retry_delay_seconds: Delays | None
    """Before each retry; or one number per retry, the last of which serves all that follow; or a
    function of ``retries`` that answers such a list. Default 0."""
    timeout_seconds: float | None
    """Enforced from outside, whatever the function does; default: none."""
    memory_limit: int | str | None
    """Bytes, or a text such as "512MiB", for all processes of a run together: over it they are
    killed and the run has crashed; default: none."""
    cpu_limit: float | None
    """Seconds of CPU, likewise; default: none."""
    cancel_grace_seconds: float | None
    """Between SIGTERM and SIGKILL; default 30."""
    on_lost: Literal["restart", "fail"] | None
    """When the host or runner of a run dies; default "restart"."""
    isolation: Literal["fork", "spawn"] | None
    """How a run's process is made; default "fork"."""
    log_prints: bool | None
    """Whether ``print`` becomes lines of the log; default: the setting ``log_prints``."""
    validate_parameters: bool | None
    """False hands the values to the function as they came; default True."""
    persist_result: bool | None
    """False keeps what the function returns out of the run's record; default True."""
    result_serializer: Literal["json"] | None
    """Results are JSON, always."""
    cache_result_in_memory: bool | None
    """Accepted for either value: a run's memory ends with its process."""
    on_running: Sequence[Hook] | None
    """Called as ``hook(flow, run, state)`` in the run's process, before the function."""
    on_completion: Sequence[Hook] | None
    """Called likewise when the function has returned."""
    on_failure: Sequence[Hook] | None
    """Called likewise when the run has failed or timed out, and is not tried again."""
    on_cancellation: Sequence[Hook] | None
    """Called likewise when the run was cancelled, within its grace."""
    on_crashed: Sequence[Hook] | None
    """Called likewise when the run has crashed and is not tried again: in a fresh process, as are
    the others where the run's own died without a last word."""


def known(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are given.

    Raises:
        TypeError: one that there is not.
    """
    unknown = sorted(arguments.keys() - FlowArguments.__annotations__.keys())
    if unknown:
        raise TypeError(f"flow() has no option {', '.join(unknown)}")
    return {option: value for option, value in arguments.items() if value is not None}


def execution_options(given: Mapping[str, Any]) -> FlowOptions:
    """How runs are executed.

    Raises:
        InvalidOption: a value that cannot be used.
    """
    _check_results(given)
    names = FlowOptions.__dataclass_fields__.keys() & given.keys()
    chosen: dict[str, Any] = {name: given[name] for name in names}
    retries = chosen.get("retries", 0)
    if type(retries) is not int or retries < 0:
        raise InvalidOption("retries", retries, "must be a whole number, 0 or more")
    if "retry_delay_seconds" in chosen:
        chosen["retry_delay_seconds"] = _delays(chosen["retry_delay_seconds"], retries)
    _check_seconds("cancel_grace_seconds", chosen.get("cancel_grace_seconds", 0))
    _check_limit(chosen, "timeout_seconds")
    _check_limit(chosen, "cpu_limit")
    if "memory_limit" in chosen:
        chosen["memory_limit"] = _bytes(chosen["memory_limit"])
    _check_choice(chosen, "on_lost", "restart", "fail")
    _check_choice(chosen, "isolation", "fork", "spawn")
    _check_choice(chosen, "log_prints", True, False)
    _check_choice(given, "validate_parameters", True, False)
    return FlowOptions(**chosen)


def _check_results(given: Mapping[str, Any]) -> None:
    _check_choice(given, "persist_result", True, False)
    _check_choice(given, "cache_result_in_memory", True, False)
    serializer = given.get("result_serializer", "json")
    if serializer != "json":
        raise InvalidOption("result_serializer", serializer, "results are kept as JSON: leave out")


def _delays(given: object, retries: int) -> float | tuple[float, ...]:
    if callable(given):
        given = given(retries)
    if not isinstance(given, (list, tuple)):
        return _check_seconds("retry_delay_seconds", given)
    if not given:
        raise InvalidOption("retry_delay_seconds", given, "give at least one number of seconds")
    return tuple(_check_seconds("retry_delay_seconds", each) for each in given)


def _check_seconds(option: str, value: object) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(cast(float, value)) or cast(float, value) < 0:
        raise InvalidOption(option, value, "must be a number of seconds, 0 or more")
    return cast(float, value)


def _check_limit(given: Mapping[str, Any], option: str) -> None:
    if _check_seconds(option, given.get(option, 1)) == 0:
        raise InvalidOption(option, 0, "must be more than 0; None sets no limit")


def _bytes(given: object) -> int:
    count = parse_size(given) if isinstance(given, str) else given
    if type(count) is not int:
        raise InvalidOption("memory_limit", given, 'must be bytes, or a text such as "512MiB"')
    if count < LEAST_MEMORY:
        why = f'is less than any run takes ({shown_size(LEAST_MEMORY)}): bytes, or "512MiB"'
        raise InvalidOption("memory_limit", given, why)
    return count


def _check_choice(given: Mapping[str, Any], option: str, *choices: object) -> None:
    if option in given and not any(given[option] is choice for choice in choices):
        # Texts are compared by value: they need not be the same object.
        if isinstance(given[option], str) and given[option] in choices:
            return
        wanted = ", ".join(map(repr, choices))
        raise InvalidOption(option, given[option], f"must be one of {wanted}")
