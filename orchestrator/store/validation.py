"""Parameters at the door: checked against the stored schema, as JSON, without coercion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.model.deployment import Deployment, DeploymentDefinition, ScheduleDefinition
from orchestrator.model.documents import encoded
from orchestrator.model.errors import InvalidParameters, ParameterFault
from orchestrator.model.ids import DeploymentId
from orchestrator.model.secrets import MASK, Place, is_secret, secret_places

if TYPE_CHECKING:
    import jsonschema_rs

_LONGEST_MESSAGE = 200


class Demanding(Protocol):
    """What of a deployment decides about the parameters and tags of its runs."""

    @property
    def id(self) -> DeploymentId: ...
    @property
    def name(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def parameter_schema(self) -> Mapping[str, Any]: ...
    @property
    def enforce_parameter_schema(self) -> bool: ...


class Door:
    """The check of parameters for one deployment as it stands, for as many runs as there are."""

    def __init__(self, deployment: Demanding, seal: str = "") -> None:
        """``seal``: see ``store.doors``."""
        self.deployment, self.seal = deployment, seal
        self._checker = _checker(json.dumps(deployment.parameter_schema))

    def text(self, parameters: Mapping[str, Any] | None) -> str:
        """The JSON of a run's parameters, over the deployment's defaults.

        Raises:
            InvalidParameters: they are no JSON, too large, or do not fit the stored schema.
        """
        deployment = self.deployment
        merged = {**deployment.parameters, **(parameters or {})}
        text = encoded(deployment.name, merged)
        if deployment.enforce_parameter_schema:
            self._checker.check(deployment.name, merged)
        return text


def check_parameters(
    deployment: str, schema: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Nothing, when they fit the schema. ``parameters`` must be encodable.

    Raises:
        InvalidParameters: names each parameter, its value and what was expected.
    """
    _checker(json.dumps(schema)).check(deployment, dict(parameters))


def is_fit(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value fits a schema; it must be encodable."""
    return _checker(json.dumps(schema)).validator.is_valid(value)


def check_defaults(definition: DeploymentDefinition) -> None:
    """Nothing, when the deployment's defaults fit, as far as they go: some may be missing.

    Raises:
        InvalidParameters: names each parameter, its value and what was expected.
    """
    for parameters in (definition.parameters, *(s.parameters for s in definition.schedules)):
        encoded(definition.full_name, parameters)
        if parameters and definition.enforce_parameter_schema:
            partial = {**definition.parameter_schema, "required": []}
            check_parameters(definition.full_name, partial, parameters)


def check_schedule(deployment: Deployment, schedule: ScheduleDefinition) -> None:
    """Nothing, when a schedule's parameters over the deployment's make a run.

    Raises:
        InvalidParameters: they do not; names the schedule besides.
    """
    try:
        Door(deployment).text(schedule.parameters)
    except InvalidParameters as error:
        error.add_note(f"They are those of its schedule {schedule.slug}, over its defaults.")
        raise


@dataclass(frozen=True, slots=True)
class _Checker:
    """One schema, ready to check by."""

    validator: jsonschema_rs.Draft202012Validator
    discreet: jsonschema_rs.Draft202012Validator
    """Says the same without values: they may be secret."""
    secrets: tuple[Place, ...]

    def check(self, deployment: str, parameters: dict[str, Any]) -> None:
        if not self.validator.is_valid(parameters):
            raise InvalidParameters(deployment, list(self._faults(parameters)))

    def _faults(self, parameters: dict[str, Any]) -> Iterator[ParameterFault]:
        errors = self.validator.iter_errors(parameters)
        for error, hidden in zip(errors, self.discreet.iter_errors(parameters), strict=True):
            secret = is_secret(self.secrets, error.instance_path)
            yield from _faults(hidden if secret else error, secret)


@lru_cache(maxsize=256)
def _checker(schema: str) -> _Checker:
    import jsonschema_rs

    document = json.loads(schema)
    validator = jsonschema_rs.Draft202012Validator(document)
    secrets = secret_places(document)
    if not secrets:
        return _Checker(validator, validator, ())
    discreet = jsonschema_rs.Draft202012Validator(document, mask=MASK)
    return _Checker(validator, discreet, secrets)


def _faults(error: jsonschema_rs.ValidationError, secret: bool) -> Iterator[ParameterFault]:
    where = ".".join(map(str, error.instance_path))
    facts: dict[str, Any] = error.kind.as_dict()
    match error.kind.name:
        case "required":
            yield ParameterFault(_below(where, facts["property"]), "is missing")
        case "additionalProperties":
            for name in facts["unexpected"]:
                yield ParameterFault(_below(where, name), "is not known: no such parameter")
        case "enum" | "const" if secret:  # what it must be is secret, too
            yield ParameterFault(where, f"{MASK}: is not what it must be")
        case "enum" if len(facts["options"]) == 1:
            only = json.dumps(facts["options"][0], ensure_ascii=False)
            given = error.message.partition(" is not ")[0]
            yield ParameterFault(where, _short(f"{given}: must be {only}"))
        case "anyOf":
            reasons = dict.fromkeys(other[0].message for other in facts["context"] if other)
            yield ParameterFault(where, _short("; ".join(reasons)))
        case _:
            yield ParameterFault(where, _short(error.message))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."


def _below(where: str, step: str | int) -> str:
    return f"{where}.{step}" if where else str(step)
