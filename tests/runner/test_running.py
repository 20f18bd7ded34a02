"""A run from its claim to its end, however it ends by itself."""

from __future__ import annotations

import pytest

from orchestrator.model.clock import SystemClock
from orchestrator.model.ids import deployment_id
from orchestrator.model.run import Run
from orchestrator.model.states import State
from orchestrator.model.versions import DeploymentVersion
from orchestrator.store.attention import due_attention
from orchestrator.store.runners import read_runners
from orchestrator.store.schedules import promote_delayed
from orchestrator.store.versions import read_versions
from tests.runner.serving import NAME, Place, definition, states
from tests.support import eventually
from tests.support.processes import is_gone


def test_a_run_completes_with_result_and_log(place: Place) -> None:
    place.flows("""
@flow(log_prints=True)
def work(name):
    print("hello", name)
    get_run_logger().warning("careful")
    os.write(2, b"raw\\n")
    return {"greeted": name}
""")
    place.start()
    run = place.ended(place.submit(name="you"))
    assert (run.state, run.result, run.attempt) == (State.COMPLETED, {"greeted": "you"}, 1)
    assert states(run) == ["Scheduled", "Pending", "Running", "Completed"]
    lines = place.lines(run.id)
    assert [line.text for line in lines] == ["hello you", "careful", "raw"]
    assert [line.level for line in lines] == ["INFO", "WARNING", "INFO"]


def test_a_failure_is_told_with_its_traceback(place: Place) -> None:
    place.flows("@flow\ndef work():\n    raise ValueError('no such thing')\n")
    place.start()
    run = place.ended(place.submit())
    assert run.state is State.FAILED
    assert run.error is not None
    assert (run.error["type"], run.error["message"]) == ("ValueError", "no such thing")
    assert "flows.py" in run.error["traceback"]


def test_a_failure_is_retried_at_once_without_a_delay(place: Place) -> None:
    place.flows("""
@flow
def work():
    if current_run().attempt < 3:
        raise ValueError("again")
    return current_run().attempt
""")
    place.start(definition(retries=2))
    run = place.ended(place.submit())
    assert (run.state, run.result) == (State.COMPLETED, 3)


def test_a_delayed_retry_waits_and_the_scheduler_is_told(place: Place) -> None:
    place.flows("@flow\ndef work():\n    assert current_run().attempt == 2\n")
    place.start(definition(retries=1, retry_delay_seconds=0.3))
    run = place.in_state(place.submit(), State.AWAITING_RETRY)
    later = SystemClock().now_ms() + 10_000
    (entry,) = place.store.call(due_attention(later, 10))
    assert entry[0] == deployment_id(NAME)

    d = deployment_id(NAME)
    eventually(lambda: place.store.call(promote_delayed(d)).count, why="the delay is over")
    assert place.ended(run.id).state is State.COMPLETED


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("os._exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9, possibly out of memory"),
        (
            "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
            "killed by SIGTERM, which its runner did not send",
        ),
    ],
)
def test_a_process_that_dies_by_itself_is_a_crash(place: Place, line: str, reason: str) -> None:
    place.flows(f"@flow(log_prints=True)\ndef work():\n    print('last words')\n    {line}\n")
    place.start()
    run = place.ended(place.submit())
    assert (run.state, run.reason) == (State.CRASHED, reason)
    assert run.error is not None
    assert run.error["last_lines"][0] == "last words"


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_killed_run_process_is_retried_once(place: Place, number: str) -> None:
    place.flows(f"""
@flow
def work():
    if current_run().attempt == 1:
        os.kill(os.getpid(), signal.{number})
    return "survived"
""")
    place.start(definition(retries=1))
    run = place.ended(place.submit())
    assert (run.state, run.result, run.attempt) == (State.COMPLETED, "survived", 2)


def test_who_raises_the_cancellation_itself_has_cancelled_itself(place: Place) -> None:
    place.flows("""
from orchestrator import RunCancelled
@flow
def work():
    raise RunCancelled("enough")
""")
    place.start(definition(retries=1))
    run = place.ended(place.submit())
    assert (run.state, run.attempt) == (State.CANCELLED, 1)
    assert "enough" in (run.reason or "")


def test_a_run_that_takes_too_long_is_stopped(place: Place) -> None:
    place.flows("@flow\ndef work():\n    time.sleep(60)\n")
    place.start(definition(timeout_seconds=0.2))
    run = place.ended(place.submit())
    assert (run.state, run.reason) == (State.TIMED_OUT, "still running after 0.2 s")


def test_code_that_cannot_be_loaded_crashes_its_runs_with_the_reason(place: Place) -> None:
    place.flows("import no_such_module\n@flow\ndef work(): ...\n")
    runner = place.start()
    run = place.ended(place.submit())
    assert run.state is State.CRASHED
    assert run.error is not None
    assert "no_such_module" in run.error["message"]
    assert "could not be loaded" in runner.output


def test_the_next_run_sees_changed_code(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 'old'\n")
    place.start()
    assert place.ended(place.submit()).result == "old"
    place.flows("@flow\ndef work():\n    return 'new, and longer'\n")
    assert place.ended(place.submit()).result == "new, and longer"


def test_children_that_a_run_leaves_behind_are_gone_when_it_ends(place: Place) -> None:
    place.flows("""
@flow
def work():
    return subprocess.Popen(["sleep", "60"], start_new_session=True).pid
""")
    place.start()
    run = place.ended(place.submit())
    assert run.state is State.COMPLETED
    assert is_gone(run.result)


def test_no_more_runs_at_once_than_the_limit(place: Place) -> None:
    place.flows("""
@flow
def work():
    me = Path("at-work", current_run().id)
    me.touch()
    time.sleep(0.05)
    seen = len(os.listdir("at-work"))
    me.unlink()
    return seen
""")
    (place.folder / "at-work").mkdir()
    place.start(limit=2)
    runs = [place.ended(run_id) for run_id in [place.submit() for _ in range(8)]]
    assert max(run.result for run in runs) == 2


def test_free_slots_are_shared_among_deployments(place: Place) -> None:
    place.flows("""
@flow
def busy():
    time.sleep(0.05)
@flow
def rare():
    return "served"
""")
    names = ["busy/a", "rare/b"]
    place.deploy(*map(definition, names))
    backlog = [place.submit("busy/a") for _ in range(20)]
    run_id = place.submit("rare/b")
    place.start(*map(definition, names), limit=1)
    rare = place.ended(run_id)
    busy = [place.ended(each) for each in backlog]
    assert rare.ended_at is not None
    assert sum(run.ended_at < rare.ended_at for run in busy if run.ended_at) < 5


def test_a_run_asks_for_another_and_waits_for_it(place: Place) -> None:
    place.flows("""
from orchestrator import run_deployment
@flow
def work(n):
    if n == 0:
        return "bottom"
    return run_deployment("work/test", parameters={"n": n - 1}).result
""")
    place.start()
    run = place.ended(place.submit(n=2))
    assert (run.state, run.result) == (State.COMPLETED, "bottom")


def test_what_a_run_asks_in_vain_is_raised_there(place: Place) -> None:
    place.flows("""
from orchestrator.execution.context import request
from orchestrator.model.errors import DeploymentNotFound
@flow
def work():
    try:
        request("create_run", deployment="no/such", as_subflow=True)
    except DeploymentNotFound as error:
        return str(error)
""")
    place.start()
    assert "no/such" in str(place.ended(place.submit()).result)


def test_a_runner_is_listed_and_registered(place: Place) -> None:
    place.flows("@flow\ndef work(): ...\n")
    runner = place.start()
    (record,) = eventually(lambda: place.store.follow(read_runners()), why="a runner is listed")
    assert (record.pid, record.limit, record.deployments) == (runner.pid, 4, (NAME,))
    assert eventually(lambda: place.store.follow(read_runners())[0].isolation) == {NAME: "fork"}
    assert place.deployment().runners == (record.id,)


def test_the_banner_says_what_is_served_and_how_to_ask(place: Place) -> None:
    place.flows("@flow\ndef work(): ...\n")
    runner = place.start(page="http://127.0.0.1:4300")
    assert "work/test" in runner.output
    assert "up to 4 runs at once" in runner.output
    assert "orchestrator deployment run work/test" in runner.output
    assert "http://127.0.0.1:4300" in runner.output


def ended_with(place: Place, result: int) -> Run | None:
    """One more run, if it ended with this result."""
    run = place.ended(place.submit())
    return run if run.result == result else None


def test_versions_know_the_code_that_was_loaded(place: Place) -> None:
    place.flows("@flow\ndef work():\n    return 1\n")
    place.start()
    first = place.ended(place.submit())
    eventually(lambda: versions(place)[0].content_hash == first.content_hash, why="it is noted")

    place.flows("@flow\ndef work():\n    return 2\n")
    second = eventually(lambda: ended_with(place, 2), why="the new code is loaded")
    eventually(lambda: versions(place)[0].content_hash == second.content_hash, why="the new one")

    newest, oldest = versions(place)
    assert (second.result, oldest.content_hash) == (2, first.content_hash)
    assert newest.changes[0].startswith(f"code {str(first.content_hash)[:12]} -> ")
    (record,) = place.store.follow(read_runners())
    assert (newest.runner, newest.host, newest.pid) == (record.id, record.host, record.pid)
    assert record.code[NAME].content_hash == second.content_hash


def versions(place: Place) -> list[DeploymentVersion]:
    return place.store.call(read_versions(deployment_id(NAME)))
