"""``emit_event`` inside real runs: what stands in the feed, and what cannot be emitted."""

from __future__ import annotations

from orchestrator.model.event import Event
from orchestrator.store.events import list_events
from tests.runner.serving import Place

EMITS = """
from orchestrator import InvalidOption, emit_event

@flow
def work(number):
    told = emit_event(
        "order.paid",
        {"id": "4711", "shop": "ulm"},
        {"total": 12.5},
        [{"role": "buyer", "id": "9"}],
        id=f"order-{number}",
    )
    try:
        emit_event("run.Completed", "4711")
    except InvalidOption as refused:
        return {"position": told.position, "refused": str(refused)}
"""


def emitted(place: Place) -> list[Event]:
    """Those that no deployment's outbox brought: nobody copies any here."""
    return place.store.follow(list_events())


def test_the_run_is_among_what_its_event_is_about(place: Place) -> None:
    place.flows(EMITS)
    place.start()
    run_id = place.submit(number=1)
    result = place.ended(run_id).result

    (event,) = emitted(place)
    assert (event.event, event.id, event.position) == ("order.paid", "order-1", result["position"])
    assert (dict(event.resource), event.payload) == ({"id": "4711", "shop": "ulm"}, {"total": 12.5})
    assert [dict(each) for each in event.related] == [
        {"role": "buyer", "id": "9"},
        {"role": "run", "id": run_id},
        {"role": "deployment", "id": "work/test"},
    ]
    assert event.depth == 0
    assert "our own" in result["refused"]


def test_an_id_that_came_before_is_not_emitted_again(place: Place) -> None:
    place.flows(EMITS)
    place.start()
    first, second = (place.ended(place.submit(number=1)).result for _ in range(2))

    (event,) = emitted(place)
    assert first["position"] == event.position
    assert second["position"] == ""
