"""``orchestrator trigger``: ls, enable, disable, test; and where else triggers are shown."""

from __future__ import annotations

from orchestrator.triggers import EventTrigger, with_names
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal

NAME = HELLO
RAIN = EventTrigger(expect="rain", name="wet", parameters={"name": "{{ event.resource.id }}"})


def test_triggers_are_shown_and_switched(terminal: Terminal, seeds: Seeds) -> None:
    assert "No triggers" in terminal.call("trigger", "ls").err
    seeds.deployment(HELLO, triggers=with_names([RAIN]))

    (record,) = terminal.call("trigger", "ls", "-o", "json").document
    assert (record["deployment"], record["name"], record["expect"]) == (NAME, "wet", ["rain"])
    assert "wet" in terminal.call("trigger", "ls", NAME).out
    assert "Triggers" in terminal.call("deployment", "inspect", NAME).out
    assert "is disabled" in terminal.call("trigger", "disable", NAME, "wet").out
    assert terminal.call("trigger", "enable", NAME, "wet", "-o", "json").document["enabled"]
    unknown = terminal.call("trigger", "enable", NAME, "dry")
    assert (unknown.code, "it has wet" in unknown.err) == (1, True)


def test_a_trigger_is_tried_on_past_events(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO, triggers=with_names([RAIN]))
    assert "would not have fired" in terminal.call("trigger", "test", NAME, "wet").err
    terminal.call("event", "emit", "rain", "--resource-id", "Ada")
    terminal.call("event", "emit", "sun", "--resource-id", "Bob")

    (tried,) = terminal.call("trigger", "test", NAME, "wet", "-o", "json").document

    assert tried["event"]["resource"] == {"id": "Ada"}
    assert tried["error"] is None
    assert tried["parameters"]["name"] == "Ada"
    assert "Ada" in terminal.call("trigger", "test", NAME, "wet").out
    assert terminal.call("run", "ls", "-o", "json").document == [], "nothing was made"
