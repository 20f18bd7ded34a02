"""The log of real runs: all that they print and log, in order, bounded, also when they crash."""

from __future__ import annotations

from orchestrator.model.states import State
from tests.runner.serving import Place, definition

WRITERS = """
import ctypes, logging, multiprocessing

def child():
    print("child of multiprocessing")
    get_run_logger().warning("its record")

@flow(log_prints=True)
def work():
    print("print")
    get_run_logger().info("record")
    os.write(1, b"descriptor\\n")
    subprocess.run(["sh", "-c", "echo program; sh -c 'echo grandchild >&2'"])
    ctypes.CDLL(None).puts(b"C library")
    multiprocessing.get_context("fork").Process(target=child).start()
    for process in multiprocessing.active_children():
        process.join()
    logging.getLogger("library").error("library's record")
    os.write(2, b"\\xff\\x00binary\\n")
    print("last", end="")
"""


def test_everything_arrives_in_order_with_its_level(place: Place) -> None:
    place.flows(WRITERS)
    place.start()
    run = place.ended(place.submit())
    assert run.state is State.COMPLETED
    lines = place.lines(run.id)
    assert [(line.text, line.level, line.logger) for line in lines] == [
        ("print", "INFO", "print"),
        ("record", "INFO", "flow"),
        ("descriptor", "INFO", "output"),
        ("program", "INFO", "output"),
        ("grandchild", "INFO", "output"),
        ("C library", "INFO", "output"),
        ("child of multiprocessing", "INFO", "print"),
        ("its record", "WARNING", "flow"),
        ("library's record", "ERROR", "library"),
        ("\ufffd\x00binary", "INFO", "output"),
        ("last", "INFO", "print"),
    ]
    times = [line.at for line in lines]
    assert times == sorted(times)
    assert run.started_at is not None
    assert times[0] >= run.started_at / 1000 - 1


def test_a_line_of_a_megabyte_arrives_in_pieces(place: Place) -> None:
    place.flows("""
@flow
def work():
    print("x" * 1_000_000)
    get_run_logger().info("y" * 1_000_000)
""")
    place.start()
    run = place.ended(place.submit())
    texts = place.texts(run.id)
    assert sum(map(len, texts)) == 2_000_000
    assert max(map(len, texts)) <= 16 * 1024


def test_a_log_of_nine_megabytes_at_once_is_whole(place: Place) -> None:
    """More than may wait for the server: the run waits for it."""
    place.flows("@flow\ndef work():\n    for n in range(9_000): print(f'{n:<1000}')\n")
    place.start()
    run = place.ended(place.submit(), within=60)
    assert run.state is State.COMPLETED
    assert [text.strip() for text in place.texts(run.id)] == [str(n) for n in range(9_000)]


def test_twenty_thousand_lines_are_the_first_and_the_last(place: Place) -> None:
    place.flows("@flow\ndef work():\n    for n in range(20_000): print(n)\n")
    place.start()
    run = place.ended(place.submit())
    texts = place.texts(run.id)
    marker = texts.pop(9_900)
    assert marker == "10000 lines were dropped here: the log of this attempt is full"
    assert texts == [str(n) for n in (*range(9_900), *range(19_900, 20_000))]


def test_limits_and_level_are_those_of_the_serving(place: Place) -> None:
    place.flows("""
@flow
def work():
    get_run_logger().info("not stored")
    get_run_logger().warning("w" * 600)
    for n in range(5): print(n)
""")
    place.start(log_level="WARNING", log_lines=3, log_line_bytes=256)
    run = place.ended(place.submit())
    assert place.texts(run.id) == [
        "w" * 256,
        "w" * 256,
        "w" * 88,
        "5 lines were dropped here: the log of this attempt is full",
    ]


def test_a_killed_run_leaves_its_last_lines_and_the_next_attempt_its_own(place: Place) -> None:
    place.flows("""
@flow(log_prints=True)
def work():
    print("attempt", current_run().attempt)
    os.write(1, b"no end of line")
    if current_run().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
""")
    place.start(definition(retries=1))
    run = place.ended(place.submit())
    assert run.state is State.COMPLETED
    assert [(line.attempt, line.text) for line in place.lines(run.id)] == [
        (1, "attempt 1"),
        (1, "no end of line"),
        (2, "attempt 2"),
        (2, "no end of line"),
    ]


def test_torn_frames_are_plain_output(place: Place) -> None:
    place.flows("""
@flow
def work():
    os.write(1, b'\\x1e{"t":1,"l":"INFO"')
    get_run_logger().info("whole")
    os.write(1, b'\\x1e{"t":1')
""")
    place.start()
    run = place.ended(place.submit())
    assert run.state is State.COMPLETED
    joined = "\n".join(place.texts(run.id))
    assert "whole" in joined
    assert joined.startswith('\x1e{"t":1,"l":"INFO"')
    assert joined.endswith('\x1e{"t":1')
