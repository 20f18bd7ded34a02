"""``@flow``: a Python function that can be called here, or served as a deployment."""

from __future__ import annotations

import functools
import importlib
import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from orchestrator.model.deployment import FlowOptions
from orchestrator.model.errors import InvalidOption
from orchestrator.model.ids import check_name
from orchestrator.origin import Source, entrypoint_of, import_path, source_hash, source_of

if TYPE_CHECKING:
    from typing import Unpack

    from orchestrator.deployment import Deployment, DeploymentOptions, FlowFacts
    from orchestrator.parameters import Parameters

P = ParamSpec("P")
R = TypeVar("R")


class Flow(Generic[P, R]):
    """A function with a name, options, and a way to be served.

    Calling it builds the values of its parameters, as pydantic does, and runs the function here
    and now: no server, no retries, no time limit.
    """

    __name__: str

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        version: str | None = None,
        options: FlowOptions | None = None,
        validate_parameters: bool = True,
    ) -> None:
        if not callable(_function(fn)):
            raise TypeError(f"flow() takes a function, not {fn!r}")
        self.declared = fn
        self.fn: Callable[..., R] = _function(fn)
        if inspect.isgeneratorfunction(self.fn) or inspect.isasyncgenfunction(self.fn):
            raise TypeError(f"{self.fn!r} is a generator: a run returns one value")
        self.name = check_name("flow", _default_name(self.fn) if name is None else name)
        self.given_description = description
        self.given_version = version
        self.options = _checked(options or FlowOptions())
        self.validate_parameters = validate_parameters
        functools.update_wrapper(self, self.fn)

    @property
    def description(self) -> str | None:
        """What people read about the flow: as given, or else the docstring."""
        return self.given_description or inspect.getdoc(self.fn) or None

    @property
    def version(self) -> str | None:
        """As given, or else a hash of the source file; None when there is no such file."""
        return self.given_version or source_hash(self.fn)

    @property
    def log_prints(self) -> bool:
        """Whether ``print`` in a run becomes a line of its log."""
        return self.options.log_prints

    @functools.cached_property
    def parameters(self) -> Parameters:
        """What the function can be given."""
        from orchestrator.parameters import Parameters

        return Parameters(self.fn, title=self.name)

    def facts(self, source: Source, sys_path: tuple[str, ...]) -> FlowFacts:
        """What goes into a deployment of the flow that is found again at ``source``."""
        from orchestrator.deployment import FlowFacts

        return FlowFacts(
            name=self.name,
            description=self.description,
            version=self.version,
            options=self.options,
            parameter_schema=self.parameters.schema(),
            source=source,
            entrypoint=entrypoint_of(self, source),
            sys_path=sys_path,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now; an ``async`` one answers a coroutine.

        Raises:
            TypeError: the arguments do not fit the signature.
            InvalidParameters: a value cannot become what its annotation asks for.
        """
        return self._run(self.parameters.of_call(args, kwargs))

    def run_with(self, parameters: dict[str, Any]) -> Any:
        """What the function returns for parameters from JSON; an ``async`` one is awaited.

        Raises:
            InvalidParameters: an unknown name, a missing one, or a value that does not fit.
        """
        result = self._run(self.parameters.of_document(parameters))
        if inspect.iscoroutine(result):
            import asyncio

            return asyncio.run(result)
        return result

    def prepare(self) -> None:
        """Import and build now what every run needs: processes forked from this one have it."""
        if inspect.iscoroutinefunction(self.fn):
            importlib.import_module("asyncio")
        if self.validate_parameters:
            self.parameters.prepare()

    def to_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> Deployment:
        """The flow as something to hand to ``serve``; nothing is registered before that.

        Raises:
            InvalidInput: a name, option, schedule or parameter that cannot be used.
            FlowNotLoaded: no other process could get at the flow.
        """
        from orchestrator.deployment import Deployment

        return Deployment.of(self.facts(source_of(self), import_path()), name, options)

    def serve(self, name: str | None = None, **options: Unpack[DeploymentOptions]) -> None:
        """Serve this flow alone; ``name`` defaults to the flow's. See ``orchestrator.serve``."""
        from orchestrator.serving import serve

        serve(self.to_deployment(self.name if name is None else name, **options))

    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., R]:
        """On a class: the flow of the method bound to this instance."""
        bound = cast(Any, self.declared).__get__(instance, owner)
        if bound is self.fn:
            return self
        return Flow(
            bound,
            name=self.name,
            description=self.given_description,
            version=self.given_version,
            options=self.options,
            validate_parameters=self.validate_parameters,
        )

    def __getstate__(self) -> dict[str, Any]:
        # What was computed stays behind: pydantic's models do not travel.
        return {key: value for key, value in vars(self).items() if key != "parameters"}

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"

    def _run(self, values: dict[str, Any]) -> R:
        if self.validate_parameters:
            values = self.parameters.built(values)
        args, kwargs = self.parameters.arguments(values)
        return self.fn(*args, **kwargs)


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...


@overload
def flow(
    fn: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    retries: int = 0,
    retry_delay_seconds: float = 0,
    timeout_seconds: float | None = None,
    cancel_grace_seconds: float = 30,
    on_lost: Literal["restart", "fail"] = "restart",
    isolation: Literal["fork", "spawn"] = "fork",
    log_prints: bool = False,
    validate_parameters: bool = True,
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...


def flow(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    validate_parameters: bool = True,
    **options: Any,
) -> Any:
    """Make a flow of a function: ``@flow``, or ``@flow(name=…, retries=…, …)``.

    Args:
        fn: the function, sync or async.
        name: default: the function's name with ``-`` for ``_``.
        description: default: the docstring.
        version: any text; default: a hash of the source file.
        validate_parameters: False hands the values to the function as they came.
        **options: see ``FlowOptions``: ``retries``, ``retry_delay_seconds``,
            ``timeout_seconds``, ``cancel_grace_seconds``, ``on_lost``, ``isolation``,
            ``log_prints``.

    Raises:
        InvalidName: the name cannot be used.
        InvalidOption: an option has a value that cannot be used.
    """
    execution = _options(options)

    def make(function: Callable[..., Any]) -> Flow[..., Any]:
        return Flow(
            function,
            name=name,
            description=description,
            version=version,
            options=execution,
            validate_parameters=validate_parameters,
        )

    return make if fn is None else make(fn)


def _function(fn: Any) -> Any:
    """What there is to call: ``staticmethod`` and ``classmethod`` objects hold it inside."""
    return fn.__func__ if isinstance(fn, (staticmethod, classmethod)) else fn


def _default_name(fn: Callable[..., Any]) -> str:
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return "unknown-lambda" if name == "<lambda>" else name.replace("_", "-")


def _options(given: dict[str, Any]) -> FlowOptions:
    try:
        return FlowOptions(**given)
    except TypeError as error:
        unknown = sorted(set(given) - set(FlowOptions.__dataclass_fields__))
        raise TypeError(f"flow() has no option {', '.join(unknown)}") from error


def _checked(options: FlowOptions) -> FlowOptions:
    if type(options.retries) is not int or options.retries < 0:
        raise InvalidOption("retries", options.retries, "must be a whole number, 0 or more")
    _check_seconds("retry_delay_seconds", options.retry_delay_seconds)
    _check_seconds("cancel_grace_seconds", options.cancel_grace_seconds)
    if options.timeout_seconds is not None:
        _check_seconds("timeout_seconds", options.timeout_seconds)
        if options.timeout_seconds == 0:
            raise InvalidOption("timeout_seconds", 0, "must be more than 0; None sets no limit")
    _check_choice("on_lost", options.on_lost, ("restart", "fail"))
    _check_choice("isolation", options.isolation, ("fork", "spawn"))
    _check_choice("log_prints", options.log_prints, (True, False))
    return options


def _check_seconds(option: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(cast(float, value)) or cast(float, value) < 0:
        raise InvalidOption(option, value, "must be a number of seconds, 0 or more")


def _check_choice(option: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise InvalidOption(option, value, f"must be one of {', '.join(map(repr, choices))}")
