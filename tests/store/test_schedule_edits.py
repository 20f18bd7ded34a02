"""What people do to single schedules: the answers where there is nothing to do it to."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.model.ids import deployment_id
from orchestrator.store.requests import as_word, for_deployment
from orchestrator.store.schedule_edits import (
    delete_schedule,
    pause_schedule,
    put_schedule,
    resume_schedule,
)
from tests.store.scene import NIGHTLY, D, Scene

NOWHERE = deployment_id("no/such")


def test_a_schedule_needs_a_deployment(scene: Scene) -> None:
    assert scene.store.follow(put_schedule(NOWHERE, NIGHTLY, edit=False)) == "gone"


def test_pausing_and_resuming_need_a_deployment_and_a_schedule(scene: Scene) -> None:
    for d, word in ((NOWHERE, "gone"), (D, "no_schedule")):
        assert scene.store.follow(pause_schedule(d, NIGHTLY.slug)).word == word
        assert scene.store.follow(resume_schedule(d, NIGHTLY.slug)) == word


def test_an_edit_needs_a_schedule_and_a_new_one_a_free_slug(scene: Scene) -> None:
    changed = replace(NIGHTLY, expression="0 4 * * *")
    assert scene.store.follow(put_schedule(D, NIGHTLY, edit=True)) == "no_schedule"
    assert scene.store.follow(put_schedule(D, NIGHTLY, edit=False)) == "created"
    assert scene.store.follow(put_schedule(D, NIGHTLY, edit=False)) == "unchanged"
    assert scene.store.follow(put_schedule(D, changed, edit=False)) == "exists"
    assert scene.store.follow(put_schedule(D, changed, edit=True)) == "updated"


def test_what_was_deleted_meanwhile_is_deleted_once(scene: Scene) -> None:
    """A plan pauses first; here the schedule, or all, goes between the two steps."""
    scene.store.follow(put_schedule(D, NIGHTLY, edit=False))
    assert scene.store.follow(delete_schedule(D, NIGHTLY.slug)) == "ok"
    again = for_deployment(D, "delete_schedule", as_word, slug=NIGHTLY.slug)
    assert scene.store.call(again) == "no_schedule"
    nowhere = for_deployment(NOWHERE, "delete_schedule", as_word, slug=NIGHTLY.slug)
    assert scene.store.call(nowhere) == "gone"
