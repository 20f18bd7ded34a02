"""One soak from start to evidence: processes up, load and faults, a quiet phase, all read."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from pathlib import Path
from random import Random

from orchestrator import Client
from orchestrator.model.ids import RunId
from orchestrator.model.run import run_from_hash
from orchestrator.store import keys
from orchestrator.store.scripts import script, script_names
from soak import fleet
from soak.attempts import attempts_of, read_marks
from soak.evidence import Evidence
from soak.figures import PEOPLE as PEOPLES_REQUESTS
from soak.figures import refusals
from soak.fleet import LATER_FIELD, Code, Host, Member
from soak.history import History
from soak.injecting import Injector
from soak.load import Load
from soak.plan import PEOPLE, SCHEDULERS, length, plan
from soak.profile import LEASE, Profile
from soak.proxy import Proxies, Proxy
from soak.witness import FOLDER
from tests.support.invariants import violations
from tests.support.keyspace import open_client, read_keyspace
from tests.support.server import Server
from tests.support.waiting import eventually

MARK = "SOAK_ID"
"""The variable by which processes of this trial are known wherever they hide."""
LOSS_FREE = ("--save", "", "--appendonly", "yes", "--appendfsync", "no")
"""Written before it is answered, so that a killed server forgets nothing; only a machine without
power would. That is played by cutting the journal's end off."""
GONE_SECONDS = 5.0
TOLD_SECONDS = 30.0
FEED = (keys.EVENTS, keys.EVENT_IDS, keys.EVENTS_COPIED)
"""What happened stays, as long as there is room for it."""


@dataclass
class Trial:
    """What a soak consists of while it runs."""

    profile: Profile
    seed: int
    folder: Path
    server: Server
    hosts: dict[str, Host] = field(default_factory=dict)
    schedulers: list[Member] = field(default_factory=list)
    proxies: dict[str, Proxy] = field(default_factory=dict)
    history: History = field(init=False)
    began_ms: float = field(default_factory=lambda: time.time() * 1000)
    lateness: float = 0.0
    enough: threading.Event = field(default_factory=threading.Event)
    """Once it is set, what has happened until then is judged."""

    def __post_init__(self) -> None:
        self.history = History(self.folder / "history")

    def run(self) -> Evidence:
        """All phases; nothing is left behind, whatever happens."""
        try:
            return self._run()
        finally:
            for member in (*self.hosts.values(), *self.schedulers):
                if member.process is not None and member.process.poll() is None:
                    member.process.kill()
                    member.process.wait()

    def _run(self) -> Evidence:
        self._start()
        lanes = plan(self.profile, self.seed)
        planned, began = sum(map(len, lanes.values())), time.monotonic()
        seconds = length(lanes)

        def progress() -> float:
            # Both, since the one comes in jumps and the other is a guess.
            return (self._faults_done() / planned + (time.monotonic() - began) / seconds) / 2

        load = Load(
            self.profile, self.seed, self.proxies[PEOPLE].url, self.history,
            progress=progress, enough=self.enough,
        )  # fmt: skip
        injector = Injector(
            self.hosts, self.schedulers, self.proxies, self.server, self.history,
            Random(f"victims {self.seed}"), self.enough,
        )  # fmt: skip
        with ThreadPoolExecutor(max_workers=len(lanes) + 3) as pool:
            watching = pool.submit(load.watch)
            meddling = pool.submit(load.meddle)
            asking = pool.submit(load.ask_for_runs)
            faults = [pool.submit(injector.work_off, *lane) for lane in lanes.items()]
            try:
                _finish([*faults, asking])
            finally:
                load.is_calm.set()
            _finish([meddling, watching])
        return self._evidence(load, calm_ms=time.time() * 1000)

    def _start(self) -> None:
        for member in (*self.hosts.values(), *self.schedulers):
            member.start()
        for member in (*self.hosts.values(), *self.schedulers):
            member.until_ready()

    def _faults_done(self) -> int:
        return sum(event.kind not in PEOPLES_REQUESTS for event in list(self.history.events))

    def _evidence(self, load: Load, calm_ms: float) -> Evidence:
        zombies = fleet.zombies([host.pid for host in self.hosts.values()])
        for scheduler in self.schedulers:
            scheduler.leave()
        waits = self._until_idle()
        descriptors = [each for host in self.hosts.values() for each in host.held_too_much()]
        for host in self.hosts.values():
            host.leave()
        with open_client(self.server.url) as client:
            keyspace = read_keyspace(client)
        runs = {
            run_id: run_from_hash(RunId(run_id), record.fields)
            for slot in keyspace.slots.values()
            for run_id, record in slot.runs.items()
        }
        return Evidence(
            accepted=load.accepted,
            runs=runs,
            waits=waits,
            finals=load.finals,
            attempts=attempts_of(read_marks(self.folder / "marks")),
            events=self.history.events,
            keys=[*violations(keyspace), *self._keys_left()],
            descriptors=descriptors,
            written_later=sum(
                LATER_FIELD in record.fields
                for slot in keyspace.slots.values()
                for record in slot.runs.values()
            ),
            orphans=self._orphans(),
            zombies=len(zombies),
            refused=self._refused(),
            began_ms=self.began_ms,
            calm_ms=calm_ms,
            lateness=self.lateness,
        )

    def _until_idle(self) -> dict[RunId, str]:
        """Wait for the schedule's last runs; why those wait that are not over then."""
        deadline = time.monotonic() + self.profile.quiet_seconds
        with Client(self.server.url) as client:
            while waiting := [run.id for run in client.runs(limit=200) if not run.is_final]:
                if time.monotonic() >= deadline:
                    return {run_id: str(client.explain_run(run_id)) for run_id in waiting}
                time.sleep(0.1)
        return {}

    def _keys_left(self) -> list[str]:
        """Once every deployment is deleted, and a scheduler has told of it: what does not expire by
        itself."""
        with Client(self.server.url) as client:
            for deployment in client.deployments():
                client.delete_deployment(deployment.name, force=True)
        self.schedulers[0].start()
        with suppress(AssertionError):
            eventually(lambda: not self._lasting_keys(), within=TOLD_SECONDS, every=0.2)
        self.schedulers[0].leave()
        return [f"{key} is left over" for key in self._lasting_keys()]

    def _lasting_keys(self) -> list[str]:
        with open_client(self.server.url) as client:
            lives = {key: client.ttl(key) for key in client.scan_iter()}
        return [key for key, seconds in lives.items() if seconds < 0 and key not in FEED]

    def _orphans(self) -> list[str]:
        mark = f"{MARK}={os.environ[MARK]}"
        try:
            eventually(lambda: not fleet.marked(mark), within=GONE_SECONDS, every=0.1)
        except AssertionError:
            return [f"process {pid} is left: {words}" for pid, words in fleet.marked(mark).items()]
        return []

    def _refused(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for host in self.hosts.values():
            found += refusals(host.log.read_text(errors="replace"))
        return found


@contextmanager
def trial(
    profile: Profile, seed: int, folder: Path, code: Code, other: Code | None = None
) -> Iterator[Trial]:
    """A server, hosts and schedulers, made ready to start; their files are in ``folder``. With an
    ``other`` version, the last host and the last scheduler run it, and the clock of those before
    them is wrong."""
    wardrobe = [code] if other is None else [other, replace(code, clock_is_wrong=True), code]
    for name in script_names():
        script(name)  # read now: whoever edits files meanwhile does not change this trial
    (folder / "locks").mkdir(parents=True)
    (folder / "marks").touch()
    os.environ[MARK] = uuid.uuid4().hex
    variables = {
        FOLDER: str(folder),
        "ORCHESTRATOR_HOME": str(folder / "home"),
        "ORCHESTRATOR_LEASE_SECONDS": str(LEASE),
        "ORCHESTRATOR_SHUTDOWN_GRACE_SECONDS": "1",
    }
    with ExitStack() as stack:
        server = Server(options=LOSS_FREE).start()
        stack.callback(server.stop)
        proxies = stack.enter_context(Proxies())
        made = Trial(profile, seed, folder, server)
        names = [f"host-{number}" for number in range(profile.hosts)]
        for name in (*names, SCHEDULERS, PEOPLE):
            made.proxies[name] = proxies.open(server.socket, server.folder / name)
        for name, worn in zip(reversed(names), _worn(wardrobe), strict=False):
            host = worn.host(name, made.proxies[name], folder, profile.limit, variables)
            made.hosts[name] = host
        for number, worn in zip(reversed(range(profile.schedulers)), _worn(wardrobe), strict=False):
            proxy, name = made.proxies[SCHEDULERS], f"scheduler-{number}"
            made.schedulers.append(worn.scheduler(name, proxy, folder, variables))
        stack.enter_context(_measured(made))
        yield made


def _worn(wardrobe: list[Code]) -> Iterator[Code]:
    """Each code once, and the last one for all the others."""
    return chain(wardrobe, repeat(wardrobe[-1]))


@contextmanager
def _measured(made: Trial) -> Iterator[None]:
    """Measure meanwhile how late short sleeps end: what a starved machine does to leases."""
    over = threading.Event()

    def measure() -> None:
        while not over.is_set():
            before = time.monotonic()
            time.sleep(0.01)
            made.lateness = max(made.lateness, time.monotonic() - before - 0.01)

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _finish(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()
