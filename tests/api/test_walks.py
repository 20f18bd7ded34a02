"""One request after the other, along the links of the OpenAPI document: what one answer names the
next one finds, and what was deleted nobody finds again."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from orchestrator.model.event import emitted
from orchestrator.model.trigger import TriggerDefinition
from orchestrator.store.events import emit_event
from tests.api.serving import Served
from tests.cli.seeds import EVERY_HOUR, HELLO, Seeds
from tests.support import Server

WALKS, STEPS = 300, 25
FLOW, NAME = HELLO.split("/")

MOSTLY = 0.9
"""How often a name is one that there is; else it is made up."""

ANSWERS = ["2xx", "404", "409", "422"]
"""To what fits the document. 422, since some rules are beyond a schema: a text that can be printed,
one of three kinds, a cron expression that fires."""

WITHOUT = {
    "delete_deployment": "takes runs with it, which the check of what was made cannot know",
    "stream_events": "does not end",
    "stream_log": "does not end before its run does, and none runs here",
}
"""Operations that no walk takes, and why."""

LISTS = {"event", "state", "tag"}
"""Parameters that are lists. In an address ``tag=false`` is a list of one text, and as such it is
taken; the check of what must be refused takes it for a truth value, which is none."""

LOOSE: dict[str, Any] = {"parameter_schema": {"type": "object"}, "enforce_parameter_schema": False}


def config(**names: str) -> SchemathesisConfig:
    """Each of these parameters has its value mostly. Every check is on."""
    document = {
        "dictionaries": {each.replace(".", "_"): {"values": [names[each]]} for each in names},
        "parameters": {
            each: {"dictionary": each.replace(".", "_"), "probability": MOSTLY} for each in names
        },
        "checks": {"positive_data_acceptance": {"expected-statuses": ANSWERS}},
    }
    return SchemathesisConfig.from_dict(document)


def negates_a_list(case: schemathesis.Case[Any]) -> bool:
    """Whether one of the lists was to be something else, and is a list of one after all."""
    mutations = getattr(case.meta.phase.data, "mutations", ()) if case.meta else ()
    return any(each.parameter in LISTS for each in mutations)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_one_answer_names_the_next_one_finds(
    api: Served, server: Server, seeds: Seeds
) -> None:
    names = {"path.flow": FLOW, "path.name": NAME, "body.deployment": HELLO}
    document = schemathesis.openapi.from_url(
        f"{api.url}/api/v1/openapi.json", config=config(**names)
    ).exclude(operation_id=list(WITHOUT))

    class Walk(document.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            with redis.Redis.from_url(server.url) as client:
                client.flushall()
            paid = TriggerDefinition(name="paid", expect=("order.paid",))
            seeds.deployment(schedules=(EVERY_HOUR,), triggers=(paid,), **LOOSE)
            seeds.runner()
            seeds.store.call(emit_event(emitted("order.paid", "7")))

        def before_call(self, case: schemathesis.Case[Any]) -> None:
            # Nothing runs here: who waits for an end waits for nothing.
            if case.query and "wait" in case.query:
                del case.query["wait"]

        def validate_response(
            self, response: Any, case: schemathesis.Case[Any], *_: Any, **transport: Any
        ) -> None:
            excluded: list[Any] = [negative_data_rejection] if negates_a_list(case) else []
            case.validate_response(
                response,
                excluded_checks=excluded,
                transport_kwargs=transport or None,
                recorder=self.recorder,
            )

    Walk.run(
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            derandomize=True,  # the same walks each time: what fails fails again
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
