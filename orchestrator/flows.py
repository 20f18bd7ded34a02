"""``@flow``: a Python function that can be called here, or served as a deployment."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, Unpack, cast, overload

from orchestrator.declaring.calling import needs_loop, outcome_of
from orchestrator.declaring.flow_options import FlowArguments, execution_options, known
from orchestrator.declaring.parameters import Parameters, signature_of
from orchestrator.declaring.run_names import check_run_name, run_name
from orchestrator.execution import context
from orchestrator.execution.hooks import KINDS, Hook, checked
from orchestrator.model.errors import FlowNotLoaded, InvalidInput, InvalidName
from orchestrator.model.ids import check_name
from orchestrator.model.serving import StoredCode
from orchestrator.origin import (
    Source,
    entrypoint_of,
    entrypoint_type,
    import_path,
    source_hash,
    source_of,
)

if TYPE_CHECKING:
    from orchestrator.deployment import Deployment, DeploymentOptions, FlowFacts
    from orchestrator.sources.opening import Stored
    from orchestrator.sources.storages import Storage

P = ParamSpec("P")
R = TypeVar("R")
H = TypeVar("H", bound=Hook)

RESERVED = frozenset({"return_state", "wait_for", "v__args", "v__kwargs"})
"""Names that mean something else in a call of a flow in Prefect, from where scripts come."""


class Flow(Generic[P, R]):
    """A function with a name, options, and a way to be served.

    Calling it builds the values of its parameters, as pydantic does, and runs the function here
    and now: no server, no retries, no time limit, no hooks.
    """

    __name__: str

    def __init__(self, fn: Callable[P, R], **arguments: Unpack[FlowArguments]) -> None:
        if not callable(_function(fn)):
            raise TypeError(f"flow() takes a function, not {fn!r}")
        given = known(arguments)
        self.declared = fn
        self.fn: Callable[..., R] = _function(fn)
        self.name = check_name("flow", given.get("name", _default_name(self.fn)))
        self.options = execution_options(given)
        self.hooks: dict[str, list[Hook]] = {
            kind: checked(kind, given.get(kind, ())) for kind in KINDS
        }
        self._given = given
        self.stored: Stored | None = None
        """Where the flow was taken from, if that was a storage."""
        names = tuple(signature_of(self.fn).parameters)
        _check_reserved(names)
        check_run_name(given.get("flow_run_name"), names)
        functools.update_wrapper(self, self.fn)

    @property
    def description(self) -> str | None:
        """What people read about the flow: as given, or else the docstring."""
        return self._given.get("description") or inspect.getdoc(self.fn) or None

    @property
    def version(self) -> str | None:
        """As given, or else a hash of the source file; None when there is no such file, and for a
        flow from a storage: each run of it records what it executed."""
        return self._given.get("version") or (None if self.stored else source_hash(self.fn))

    @functools.cached_property
    def log_prints(self) -> bool:
        """Whether ``print`` in a run becomes a line of its log: as given, or else as set."""
        if self.options.log_prints is not None:
            return self.options.log_prints
        from orchestrator.settings import load_settings

        return load_settings().log_prints

    @functools.cached_property
    def validate_parameters(self) -> bool:
        """Whether values are made as their annotations want them."""
        return bool(self._given.get("validate_parameters", True))

    @functools.cached_property
    def keeps_result(self) -> bool:
        """Whether what the function returns goes into the record of its run."""
        return bool(self._given.get("persist_result", True))

    @property
    def timeout_seconds(self) -> float | None:
        """How long a run may take."""
        return self.options.timeout_seconds

    @property
    def parameter_schema(self) -> dict[str, Any]:
        """What can be given to it, as JSON Schema."""
        return self.parameters.schema()

    @functools.cached_property
    def parameters(self) -> Parameters:
        """What the function can be given."""
        return Parameters(self.fn, title=self.name)

    def facts(self, source: Source, sys_path: tuple[str, ...]) -> FlowFacts:
        """What goes into a deployment of the flow that is found again at ``source``."""
        from orchestrator.deployment import FlowFacts

        return FlowFacts(
            name=self.name,
            description=self.description,
            version=self.version,
            options=self.options,
            parameter_schema=self.parameter_schema,
            source=source,
            entrypoint=entrypoint_of(self, source),
            sys_path=sys_path,
        )

    def stored_facts(self, stored: Stored) -> FlowFacts:
        """What goes into a deployment of the flow that is found again in a storage."""
        from orchestrator.sources.storages import storage_key

        storage = stored.storage
        source = {
            **stored.entry,
            "storage": storage_key(storage),
            "schema": json.dumps(self.parameter_schema),
        }
        return replace(
            self.facts(source, ()),
            entrypoint=stored.entrypoint,
            stored=StoredCode(
                storage=storage.to_json(),
                shown=storage.shown,
                pull_interval=storage.pull_interval,
                code=stored.code,
            ),
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now; an ``async`` one answers a coroutine, a generator one
        its generator.

        Raises:
            TypeError: the arguments do not fit the signature.
            InvalidParameters: a value cannot become what its annotation asks for.
        """
        return self._run(self.parameters.of_call(args, kwargs))

    def run_with(self, parameters: dict[str, Any]) -> Any:
        """What the function returns for parameters from JSON; an ``async`` one is awaited, and a
        generator goes on to its end: its result is what it returns, not what it yields.

        Raises:
            InvalidParameters: an unknown name, a missing one, or a value that does not fit.
        """
        return outcome_of(self._run(self.parameters.of_document(parameters)), self.fn)

    def run_name(self, parameters: dict[str, Any]) -> str | None:
        """What ``flow_run_name`` makes of these parameters; None without it."""
        made_by = self._given.get("flow_run_name")
        if made_by is None:
            return None
        values = self._built(self.parameters.of_document(parameters))
        return run_name(made_by, self.parameters.complete(values))

    def with_options(self, **arguments: Unpack[FlowArguments]) -> Flow[P, R]:
        """A copy with other options. None leaves one as it is; 0 takes a limit away.

        Raises:
            InvalidName, InvalidOption: as ``flow``.
        """
        changed = {**self._arguments(), **known(arguments)}
        for limit in ("timeout_seconds", "memory_limit", "cpu_limit"):
            if changed.get(limit) == 0:
                del changed[limit]
        copy = Flow(self.declared, **changed)
        copy.stored = self.stored
        return copy

    def on_running(self, hook: H) -> H:
        """``@f.on_running``: call the hook when a run begins, before the function."""
        return self._hooked("on_running", hook)

    def on_completion(self, hook: H) -> H:
        """``@f.on_completion``: call the hook when the function has returned."""
        return self._hooked("on_completion", hook)

    def on_failure(self, hook: H) -> H:
        """``@f.on_failure``: call the hook when a run failed and is not tried again."""
        return self._hooked("on_failure", hook)

    def on_cancellation(self, hook: H) -> H:
        """``@f.on_cancellation``: call the hook when a run was cancelled."""
        return self._hooked("on_cancellation", hook)

    def on_crashed(self, hook: H) -> H:
        """``@f.on_crashed``: call the hook, in a fresh process, when a run has crashed."""
        return self._hooked("on_crashed", hook)

    def prepare(self) -> None:
        """Import and build now what every run needs: processes forked from this one have it."""
        hooks = (hook for kind in self.hooks.values() for hook in kind)
        if any(map(needs_loop, (self.fn, *hooks))):
            importlib.import_module("asyncio")
        if self.validate_parameters:
            self.parameters.prepare()
        _ = self.log_prints, self.keeps_result

    def to_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> Deployment:
        """The flow as something to hand to ``serve``; nothing is registered before that.

        Raises:
            InvalidInput: a name, option, schedule or parameter that cannot be used.
            FlowNotLoaded: no other process could get at the flow.
        """
        from orchestrator.deployment import Deployment

        kind = entrypoint_type(options.get("entrypoint_type"))
        if self.stored is not None:
            return Deployment.of(self.stored_facts(self.stored), name, options)
        return Deployment.of(self.facts(source_of(self, kind), import_path()), name, options)

    def serve(self, name: str | None = None, **options: Unpack[DeploymentOptions]) -> None:
        """Serve this flow alone; ``name`` defaults to the flow's. See ``orchestrator.serve``."""
        from orchestrator.serving import serve

        serve(self.to_deployment(self.name if name is None else name, **options))

    def __get__(self, instance: object, owner: type | None = None) -> Flow[..., R]:
        """On a class: the flow of the method bound to this instance."""
        bound = cast(Any, self.declared).__get__(instance, owner)
        return self if bound is self.fn else Flow(bound, **self._arguments())

    def __getstate__(self) -> dict[str, Any]:
        # What was computed stays behind: pydantic's models do not travel.
        # Secrets of a storage stay as well: by value a flow needs no place.
        computed = ("parameters", "log_prints", "validate_parameters", "keeps_result")
        state = {key: value for key, value in vars(self).items() if key not in computed}
        return {**state, "stored": None}

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"

    def _run(self, values: dict[str, Any]) -> R:
        built = self._built(values)
        if self.parameters.takes_names:
            return self.fn(**built)
        args, kwargs = self.parameters.arguments(built)
        return self.fn(*args, **kwargs)

    def _built(self, values: dict[str, Any]) -> dict[str, Any]:
        return self.parameters.built(values) if self.validate_parameters else values

    def _hooked(self, kind: str, hook: H) -> H:
        self.hooks[kind] += checked(kind, [hook])
        return hook

    def _arguments(self) -> FlowArguments:
        """What makes this very flow of its function."""
        hooks = {kind: list(hooks) for kind, hooks in self.hooks.items()}
        return cast(FlowArguments, {**self._given, "name": self.name, **hooks})


class FlowDecorator:
    """What ``flow`` is: a decorator, and a way to flows that are stored elsewhere."""

    def __init__(self) -> None:
        self.__name__ = "flow"

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...

    @overload
    def __call__(
        self, fn: None = None, /, **arguments: Unpack[FlowArguments]
    ) -> Callable[[Callable[P, R]], Flow[P, R]]: ...

    def __call__(
        self, fn: Callable[..., Any] | None = None, /, **arguments: Unpack[FlowArguments]
    ) -> Any:
        """Make a flow of a function: ``@flow``, or ``@flow(name=…, retries=…, …)``.

        Args:
            fn: the function: sync, async, or a generator of either kind; a method.
            **arguments: see ``FlowArguments``.

        Raises:
            InvalidName: the name cannot be used, or that of a parameter.
            InvalidOption: an option has a value that cannot be used.
        """
        known(arguments)

        def make(function: Callable[..., Any]) -> Flow[..., Any]:
            return Flow(function, **arguments)

        return make if fn is None else make(fn)

    def from_source(self, source: str | PathLike[str] | Storage, entrypoint: str) -> Flow[..., Any]:
        """A flow whose code lies in a repository or storage: to be called here, or served.

        What serves it looks there for newer code every so often, and later runs get that.

        Args:
            source: a URL, the path of a folder, a ``GitRepository``, ``RemoteStorage`` or
                ``LocalStorage``.
            entrypoint: ``path/file.py:name``, ``path/file.py:Class.method`` or
                ``package.module:name``, inside the source.

        Raises:
            InvalidInput: a source or entry point that cannot be used.
            SourceFailed: the code cannot be had.
            FlowNotLoaded: there is no such flow in it, or importing it fails.
        """
        try:
            return _stored_flow(source, entrypoint)
        except InvalidInput:
            raise
        except Exception as error:
            if not context.is_loading():
                raise
            # A script is imported for its own flows: these must not fail with others' code.
            return _missing(entrypoint, error)


def _stored_flow(source: object, entrypoint: str) -> Flow[..., Any]:
    from orchestrator.sources.opening import open_source

    stored = open_source(source, entrypoint)
    try:
        found = stored.load()
    except ImportError as error:
        raise FlowNotLoaded(f"{stored.storage.shown} {stored.entrypoint}", str(error)) from error
    if not isinstance(found, Flow):
        raise FlowNotLoaded(stored.entrypoint, f"is no flow: {found!r}")
    found.stored = stored
    return found


def _missing(entrypoint: str, why: Exception) -> Flow[..., Any]:
    """What raises this when it is called."""

    def missing(*_: Any, **__: Any) -> None:
        raise FlowNotLoaded(entrypoint, "it could not be loaded with this script") from why

    return Flow(missing)


flow = FlowDecorator()


def _function(fn: Any) -> Any:
    """What there is to call: ``staticmethod`` and ``classmethod`` objects hold it inside."""
    return fn.__func__ if isinstance(fn, (staticmethod, classmethod)) else fn


def _default_name(fn: Callable[..., Any]) -> str:
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return "unknown-lambda" if name == "<lambda>" else name.replace("_", "-")


def _check_reserved(names: Iterable[str]) -> None:
    for name in names:
        if name in RESERVED:
            raise InvalidName("parameter", name, "is reserved: give it another name")
