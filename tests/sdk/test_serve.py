"""``serve``, end to end: a real server, a real script, a real runner."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import Client, InvalidName, InvalidOption, flow, serve, serving_process
from orchestrator.embedded.home import Home
from orchestrator.embedded.lock import take_lock
from orchestrator.execution import context
from orchestrator.model.run import Run
from orchestrator.model.states import State
from tests.support import Server, eventually
from tests.support.processes import Script, Starter, children, scripts, tree

HELLO = """
from orchestrator import flow

@flow(log_prints=True)
def greet(who: str = "all", bye: bool = False):
    print("bye" if bye else "hi", who)

if __name__ == "__main__":
    greet.serve(name="first", tags=["intro"], parameters={"bye": True}, interval=60,
                pause_on_shutdown=False)
    print("served")
"""

TWO = """
import time
from orchestrator import flow, serve

@flow
def nap(sleep: int = 60):
    time.sleep(sleep)

@flow
def quick():
    return 1

if __name__ == "__main__":
    serve(nap.to_deployment("sleeper", interval=45), quick.to_deployment("fast"))
    print("served")
"""

TIDIES = """
import time
from pathlib import Path
from orchestrator import flow

HERE = Path(__file__).parent

@flow
def tidy():
    (HERE / "began").touch()
    try:
        time.sleep(60)
    finally:
        (HERE / "tidied").touch()

if __name__ == "__main__":
    tidy.serve(name="up", pause_on_shutdown=False)
"""


@pytest.fixture
def starter(server: Server, tmp_path: Path) -> Iterator[Starter]:
    with scripts(tmp_path, ORCHESTRATOR_REDIS_URL=server.url) as starter:
        yield starter


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def served(client: Client, *names: str) -> None:
    """Wait until each of them has a runner."""
    wanted = set(names)
    eventually(
        lambda: {each.name for each in client.deployments() if each.runners} >= wanted,
        why=f"{names} are served",
    )


def ran(client: Client, name: str) -> Run:
    run = client.wait_for_run(client.create_run(name).id, timeout=20)
    assert run.state is State.COMPLETED, run
    return run


def runner_of(script: Script) -> int:
    (pid,) = children(script.pid)
    return pid


def test_one_flow(starter: Starter, client: Client) -> None:
    """The page's first example."""
    script = starter.python(HELLO)
    served(client, "greet/first")

    run = client.create_run("greet/first", {"who": "you"}, tags=["mine"])
    ended = client.wait_for_run(run.id, timeout=20)

    assert (ended.state, ended.attempt, ended.tags) == (State.COMPLETED, 1, ("intro", "mine"))
    assert ended.parameters == {"who": "you", "bye": True}
    assert [line.text for line in client.follow_logs(run.id)] == ["bye you"]
    script.send(signal.SIGINT)
    assert script.ends() == 0
    assert "served" in script.output, "what stands behind serve() runs"
    assert client.deployment("greet/first").paused is False


def test_several_flows_in_one_process(starter: Starter, client: Client) -> None:
    """The page's example with `serve`."""
    script = starter.python(TWO)
    served(client, "nap/sleeper", "quick/fast")

    assert ran(client, "quick/fast").result == 1
    assert [s.to_json()["expression"] for s in client.deployment("nap/sleeper").schedules] == ["45"]
    script.send(signal.SIGTERM)
    assert script.ends() == 0
    assert client.deployment("nap/sleeper").paused_by == "shutdown"


def test_serving_again_updates_and_resumes(starter: Starter, client: Client) -> None:
    for text in (TWO, TWO.replace("interval=45", "interval=50")):
        script = starter.python(text)
        served(client, "nap/sleeper")
        script.send(signal.SIGTERM)
        assert script.ends() == 0

    starter.python(text)
    served(client, "nap/sleeper")
    again = client.deployment("nap/sleeper")
    assert (again.paused, [s.definition.expression for s in again.schedules]) == (False, ["50"])


def test_a_second_signal_stops_at_once(starter: Starter, client: Client) -> None:
    script = starter.python(TWO)
    served(client, "nap/sleeper")
    run = client.create_run("nap/sleeper")
    eventually(lambda: client.run(run.id).state is State.RUNNING, why="it runs")

    script.send(signal.SIGINT)
    eventually(lambda: all(r.draining for r in client.runners()), why="it drains")
    script.send(signal.SIGINT)

    assert script.ends() == 130
    assert client.run(run.id).state is State.SCHEDULED, "handed back"
    assert "Traceback" not in script.output


def test_a_runner_that_is_killed_is_told(starter: Starter, client: Client) -> None:
    script = starter.python(TWO)
    served(client, "quick/fast")

    os.kill(runner_of(script), signal.SIGKILL)

    assert script.ends() == 1
    assert "RunnerDied: the runner was killed by SIGKILL" in script.output


def test_without_a_server_there_is_one_line(starter: Starter) -> None:
    script = starter.python(HELLO, ORCHESTRATOR_REDIS_URL="redis://127.0.0.1:1/0")

    assert script.ends() == 3
    assert "127.0.0.1:1" in script.output
    assert "Traceback" not in script.output


def test_a_script_without_a_guard_serves_all_the_same(starter: Starter, client: Client) -> None:
    """It reaches serve() again when its flow is loaded; there serve() returns."""
    text = HELLO.replace('if __name__ == "__main__":', "if True:")
    script = starter.python(text)
    served(client, "greet/first")

    ran(client, "greet/first")
    assert "serve() returns at once" in script.output


def test_flows_without_a_place_are_served_too(starter: Starter, client: Client) -> None:
    starter.python(
        "from orchestrator import flow, serve\n"
        "def adder(offset):\n"
        "    def add(number: int = 2): return offset + number\n"
        "    return flow(name=f'add-{offset}')(add)\n"
        "serve(*(adder(n).to_deployment('x') for n in (40, 50)))\n"
    )
    served(client, "add-40/x", "add-50/x")

    assert ran(client, "add-40/x").result == 42
    assert ran(client, "add-50/x").result == 52


def test_a_run_asks_for_a_run(starter: Starter, client: Client) -> None:
    starter.python(
        "from orchestrator import flow, run_deployment, serve, InvalidParameters\n"
        "@flow\n"
        "def inner(n: int): return n + 1\n"
        "@flow\n"
        "def outer():\n"
        "    try: run_deployment('inner/x', {'n': 'no'})\n"
        "    except InvalidParameters: pass\n"
        "    else: raise AssertionError\n"
        "    return run_deployment('inner/x', {'n': 1}, tags=['t'], timeout=20).result\n"
        "if __name__ == '__main__':\n"
        "    serve(inner.to_deployment('x'), outer.to_deployment('x'), limit=2)\n"
    )
    served(client, "inner/x", "outer/x")

    outer = ran(client, "outer/x")

    assert outer.result == 2
    (inner,) = client.runs(deployment="inner/x")
    assert (inner.created_by, inner.tags) == (f"run:{outer.id}", ("t",))


IN_A_LOOP = """
import asyncio
from orchestrator import flow, aserve

@flow
async def quick(): return 1

if __name__ == "__main__":
    asyncio.run(aserve(quick.to_deployment("x")))
"""


def test_serving_in_an_event_loop(starter: Starter, client: Client) -> None:
    script = starter.python(
        "import asyncio\n"
        "from orchestrator import flow, serve, aserve\n"
        "@flow\n"
        "async def quick(): return 1\n"
        "async def main():\n"
        "    try: serve(quick.to_deployment('x'))\n"
        "    except RuntimeError as error: print(error)\n"
        "    await aserve(quick.to_deployment('x'))\n"
        "    print('served')\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    served(client, "quick/x")

    assert ran(client, "quick/x").result == 1
    script.send(signal.SIGINT)
    assert script.ends() == 0
    assert "await aserve(...)" in script.output
    assert "served" in script.output


CANCELS_ITSELF = """
import asyncio, os, time
from orchestrator import flow, aserve

@flow
def quick(): return 1

def wait_for_file():
    while not os.path.exists("enough"): time.sleep(0.01)

async def main():
    serving = asyncio.create_task(aserve(quick.to_deployment("x")))
    await asyncio.to_thread(wait_for_file)
    serving.cancel()
    print(await asyncio.gather(serving, return_exceptions=True))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_cancelled_aserve_stops_its_runner(starter: Starter, client: Client) -> None:
    script = starter.python(CANCELS_ITSELF)
    served(client, "quick/x")

    (script.folder / "enough").touch()

    assert script.ends() == 0
    assert "CancelledError" in script.output
    assert client.deployment("quick/x").runners == ()


@flow
def nothing() -> None: ...


def test_what_cannot_be_served() -> None:
    deployment = nothing.to_deployment("x")

    with pytest.raises(InvalidOption, match="at least one"):
        serve()
    with pytest.raises(InvalidName, match="given to two"):
        serve(deployment, nothing.to_deployment("x"))
    with pytest.raises(InvalidOption, match="limit=0"):
        serve(deployment, limit=0)
    with pytest.raises(TypeError, match=r"to_deployment"):
        serve(nothing)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="another deployment says 2"):
        serve(nothing.to_deployment("a", limit=2), nothing.to_deployment("b", limit=3))


def test_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    with pytest.raises(RuntimeError, match="Linux or macOS; on Windows use WSL"):
        serve(nothing.to_deployment("x"))


def test_reached_again_it_returns(caplog: pytest.LogCaptureFixture) -> None:
    with context.loading():
        nothing.serve("x")

    assert [record.levelname for record in caplog.records] == ["WARNING"]


def catches_sigterm(pid: int) -> bool:
    """Whether the process has a handler of its own for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))


@pytest.mark.parametrize("text", [HELLO, IN_A_LOOP], ids=["serve", "aserve"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_there_is_a_server_ends_it_quietly(
    tmp_path: Path, text: str, number: signal.Signals, code: int
) -> None:
    """Somebody else seems to start the server of this home: serve waits for it."""
    home = Home(tmp_path / "home")
    home.prepare()
    lock = take_lock(home.lock)
    assert lock is not None
    with scripts(
        tmp_path, ORCHESTRATOR_HOME=str(home.folder), ORCHESTRATOR_REDIS_URL=""
    ) as starter:
        script = starter.python(text)
        eventually(lambda: catches_sigterm(script.pid), why="serve() was reached")
        script.send(number)

        assert script.ends() == code
        assert script.output == ""
    os.close(lock)


def test_a_signal_while_the_runner_is_made_is_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[str] = []

    class Made:
        lifeline = os.open(os.devnull, os.O_RDONLY)

        def stop(self) -> None:
            stops.append("stop")

    def start(_: object) -> Made:
        signal.raise_signal(signal.SIGTERM)
        return Made()

    monkeypatch.setattr(serving_process.RunnerProcess, "start", start)
    before = signal.getsignal(signal.SIGTERM)
    with serving_process.Signals() as signals, signals.start_runner(None):  # type: ignore[arg-type]
        assert stops == ["stop"]
        signal.raise_signal(signal.SIGTERM)
        assert stops == ["stop", "stop"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_service_manager_that_signals_every_process_has_asked_once(
    starter: Starter, client: Client
) -> None:
    """systemd does so by default, and the script hands its own signal on."""
    script = starter.python(TIDIES)
    served(client, "tidy/up")
    run = client.create_run("tidy/up")
    eventually((script.folder / "began").exists, why="it runs")

    for pid in [script.pid, *tree(script.pid)]:
        os.kill(pid, signal.SIGTERM)

    assert script.ends() == 0, "130 would mean: stopped at once"
    assert (script.folder / "tidied").exists(), "it had its time"
    again = client.run(run.id)
    assert (again.state, again.attempt) == (State.SCHEDULED, 1)
