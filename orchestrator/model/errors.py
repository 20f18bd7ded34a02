"""Every error this project raises on purpose.

OrchestratorError
├── InvalidInput (ValueError)      what was given cannot be used; nothing was changed
│   ├── InvalidName
│   ├── InvalidOption
│   ├── InvalidSchedule
│   └── InvalidParameters
├── NotFound (LookupError)
│   ├── DeploymentNotFound
│   ├── ScheduleNotFound
│   ├── TriggerNotFound
│   ├── RunNotFound
│   ├── RunnerNotFound
│   └── EventNotFound
├── Conflict                       it exists, but not in a state that allows this
│   ├── RunIsFinal
│   ├── RunIsOpen
│   ├── CodeNotKept
│   ├── KeyReused
│   └── TooDeep                    runs ask for runs that ask for runs, without end
├── LeaseLost                      another runner owns the run; whatever we know must be dropped
├── ServerUnavailable (ConnectionError)
│   ├── EmbeddedServerFailed       the one we start ourselves does not come up
│   └── ServerRefused              it answers, but it must not be used like this
├── FlowNotLoaded                  the user's code could not be imported or has no such flow
├── SourceFailed                   code could not be fetched from where it is stored
├── RunFailed                      raised to whoever waits for the result of a run
├── RunnerDied
└── ProgramMissing
RunCancelled (BaseException)       raised inside a flow that is being stopped
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OrchestratorError(Exception):
    """The root: ``except OrchestratorError`` catches all that is not a bug."""


class InvalidInput(OrchestratorError, ValueError):
    """Something that was given cannot be used. Nothing was changed."""


class InvalidName(InvalidInput):
    """A name of a flow, deployment, schedule or runner that cannot be used."""

    def __init__(self, kind: str, name: object, why: str) -> None:
        self.kind, self.name, self.why = kind, name, why
        super().__init__(f"{kind} name {_short(name)} {why}")


class InvalidOption(InvalidInput):
    """An option whose value cannot be used."""

    def __init__(self, option: str, value: object, why: str) -> None:
        self.option, self.value, self.why = option, value, why
        super().__init__(f"{option}={_short(value)}: {why}")


class InvalidSchedule(InvalidInput):
    """A schedule that cannot be understood or never fires."""

    def __init__(self, expression: object, why: str) -> None:
        self.expression, self.why = expression, why
        super().__init__(f"schedule {_short(expression)}: {why}")


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """One thing wrong with the parameters: where (a dotted path, "" for the whole) and what."""

    where: str
    what: str


class InvalidParameters(InvalidInput):
    """Parameters that do not fit the deployment's schema."""

    def __init__(self, deployment: str, faults: Sequence[ParameterFault]) -> None:
        self.deployment, self.faults = deployment, tuple(faults)
        lines = [f"  {f.where}: {f.what}" if f.where else f"  {f.what}" for f in faults]
        super().__init__("\n".join([f"parameters of {deployment} were refused:", *lines]))


class NotFound(OrchestratorError, LookupError):
    """There is no such thing."""


class DeploymentNotFound(NotFound):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"no deployment {_short(name)}: names look like flow/deployment; "
            "`orchestrator deployment ls` lists them"
        )


class ScheduleNotFound(NotFound):
    """The deployment has no schedule of this slug."""

    def __init__(self, deployment: str, slug: str, known: Sequence[str]) -> None:
        self.deployment, self.slug, self.known = deployment, slug, tuple(known)
        has = f"it has {', '.join(known)}" if known else "it has none"
        super().__init__(f"no schedule {_short(slug)} of {deployment}: {has}")


class TriggerNotFound(NotFound):
    """The deployment has no trigger of this name."""

    def __init__(self, deployment: str, name: str, known: Sequence[str]) -> None:
        self.deployment, self.name, self.known = deployment, name, tuple(known)
        has = f"it has {', '.join(known)}" if known else "it has none"
        super().__init__(f"no trigger {_short(name)} of {deployment}: {has}")


class RunNotFound(NotFound):
    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"no run {_short(run_id)}: `orchestrator run ls` lists the newest")


class RunnerNotFound(NotFound):
    def __init__(self, runner_id: str) -> None:
        self.runner_id = runner_id
        super().__init__(f"no runner {_short(runner_id)}: `orchestrator runner ls` lists them")


class EventNotFound(NotFound):
    def __init__(self, event_id: str) -> None:
        self.event_id = event_id
        super().__init__(f"no event {_short(event_id)}: the feed keeps the newest ones")


class Conflict(OrchestratorError):
    """The thing exists, but not in a state that allows what was asked."""


class RunIsFinal(Conflict):
    """The run is over; nothing about it can change any more."""

    def __init__(self, run_id: str, state: str) -> None:
        self.run_id, self.state = run_id, state
        super().__init__(f"run {run_id} is already {state}; nothing was changed")


class RunIsOpen(Conflict):
    """The run is not over, and what was asked needs one that is."""

    def __init__(self, run_id: str, state: str) -> None:
        self.run_id, self.state = run_id, state
        super().__init__(f"run {run_id} is {state}: wait for its end, or cancel it first")


class CodeNotKept(Conflict):
    """A run is to be done again with the code it had, which cannot be had again."""

    def __init__(self, run_id: str, why: str) -> None:
        self.run_id, self.why = run_id, why
        super().__init__(f"the code of run {run_id} is not kept: {why}; retry with the newest")


class KeyReused(Conflict):
    """An idempotency key came again with different parameters."""

    def __init__(self, key: str, run_id: str) -> None:
        self.key, self.run_id = key, run_id
        super().__init__(
            f"idempotency key {_short(key)} was used with other parameters for run {run_id}"
        )


class TooDeep(Conflict):
    """A run was asked for by the last of a chain of runs that is as long as one may be."""

    def __init__(self, deployment: str, above: str | None, deepest: int) -> None:
        self.deployment, self.above, self.deepest = deployment, above, deepest
        super().__init__(
            f"no run of {deployment} was created: {deepest} runs stand above it already"
            f"{f' ({above} asked for it)' if above else ''}, each asked for by the one before it"
        )


class LeaseLost(OrchestratorError):
    """Somebody else owns the run now: this outcome, log or beat must be dropped (I8)."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"the lease of run {run_id} was lost")


class ServerUnavailable(OrchestratorError, ConnectionError):
    """No Redis or Valkey answers at the configured place."""

    def __init__(self, url: str, why: str, remedy: str = "") -> None:
        self.url, self.why, self.remedy = url, why, remedy
        super().__init__(f"server {url}: {why}" + (f"\n{remedy}" if remedy else ""))


class EmbeddedServerFailed(ServerUnavailable):
    """The server that we start ourselves does not come up: home, disk, binary."""


class ServerRefused(ServerUnavailable):
    """The server answers but cannot be used: password, version, read-only, eviction."""


class FlowNotLoaded(OrchestratorError):
    """The user's code could not be imported, or holds no such flow."""

    def __init__(self, entrypoint: str, why: str) -> None:
        self.entrypoint, self.why = entrypoint, why
        super().__init__(f"{entrypoint}: {why}")


class SourceFailed(OrchestratorError):
    """Code could not be fetched from its repository or storage. Holds no secret."""

    def __init__(self, source: str, why: str, remedy: str = "") -> None:
        self.source, self.why, self.remedy = source, why, remedy
        super().__init__(f"{source}: {why}" + (f"\n{remedy}" if remedy else ""))


class RunFailed(OrchestratorError):
    """A run that somebody waited for did not complete."""

    def __init__(self, run_id: str, state: str, message: str) -> None:
        self.run_id, self.state, self.message = run_id, state, message
        super().__init__(f"run {run_id} ended as {state}" + (f": {message}" if message else ""))


class RunnerDied(OrchestratorError):
    """The runner behind ``serve`` ended by a signal or an error."""

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__(f"the runner {status}; its runs were handed back to the queue")


class ProgramMissing(OrchestratorError):
    """A program's folder is not beside the package: the installation is damaged."""

    def __init__(self, name: str, home: object) -> None:
        self.name, self.home = name, home
        super().__init__(f"no program {name!r} in {home}: reinstall the package")


class RunCancelled(BaseException):
    """Raised inside a flow that is being stopped, so that its ``finally`` blocks run.

    A BaseException on purpose: ``except Exception`` in user code does not swallow it.
    """


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
