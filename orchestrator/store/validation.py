"""Parameters at the door: checked against the stored schema, as JSON, without coercion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchestrator.model.deployment import DeploymentDefinition
from orchestrator.model.documents import encoded
from orchestrator.model.errors import InvalidParameters, ParameterFault

if TYPE_CHECKING:
    import jsonschema_rs

_LONGEST_MESSAGE = 200


def check_parameters(
    deployment: str, schema: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Nothing, when they fit the schema. ``parameters`` must be encodable.

    Raises:
        InvalidParameters: names each parameter, its value and what was expected.
    """
    validator = _validator(json.dumps(schema))
    document = dict(parameters)
    if validator.is_valid(document):
        return
    faults = [fault for error in validator.iter_errors(document) for fault in _faults(error)]
    raise InvalidParameters(deployment, faults)


def check_defaults(definition: DeploymentDefinition) -> None:
    """Nothing, when the deployment's defaults fit, as far as they go: some may be missing.

    Raises:
        InvalidParameters: names each parameter, its value and what was expected.
    """
    for parameters in (definition.parameters, *(s.parameters for s in definition.schedules)):
        encoded(definition.full_name, parameters)
        if definition.enforce_parameter_schema:
            partial = {**definition.parameter_schema, "required": []}
            check_parameters(definition.full_name, partial, parameters)


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(schema))


def _faults(error: jsonschema_rs.ValidationError) -> Iterator[ParameterFault]:
    where = ".".join(map(str, error.instance_path))
    facts: dict[str, Any] = error.kind.as_dict()
    match error.kind.name:
        case "required":
            yield ParameterFault(_below(where, facts["property"]), "is missing")
        case "additionalProperties":
            for name in facts["unexpected"]:
                yield ParameterFault(_below(where, name), "is not known: no such parameter")
        case "anyOf":
            reasons = dict.fromkeys(other[0].message for other in facts["context"] if other)
            yield ParameterFault(where, _short("; ".join(reasons)))
        case _:
            yield ParameterFault(where, _short(error.message))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."


def _below(where: str, step: str | int) -> str:
    return f"{where}.{step}" if where else str(step)
