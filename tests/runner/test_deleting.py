"""Runs and deployments that are deleted while runners live."""

from __future__ import annotations

from orchestrator.store.deployments import DeleteReply, delete_deployment
from orchestrator.store.runs import delete_run
from tests.runner.serving import NAME, Place, definition
from tests.support import eventually
from tests.support.processes import gone

SLEEPS = """
@flow
def work():
    Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
"""


def test_a_forced_deletion_stops_runs_and_a_living_runner_serves_anew(place: Place) -> None:
    place.flows(SLEEPS)
    place.start()
    place.submit()
    pid = int(eventually(lambda: place.note("pid")))
    d = definition(NAME).id
    assert place.store.follow(delete_deployment(d)) == DeleteReply("served", 0)
    assert place.store.follow(delete_deployment(d, force=True)).runs == 1

    gone([pid])
    again = eventually(place.deployment, why="it is made anew")
    assert again.name == NAME
    place.flows("@flow\ndef work():\n    return 'anew'\n")
    assert place.ended(place.submit()).result == "anew"


def test_the_runner_of_a_deleted_run_goes_on(place: Place) -> None:
    place.flows("@flow\ndef work(): ...\n")
    place.start()
    first = place.submit()
    place.ended(first)
    assert place.store.call(delete_run(first)) == "ok"

    assert place.ended(place.submit()).is_final
