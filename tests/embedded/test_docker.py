"""The image and the compose file, without a container engine: what they say, done by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.api.exposure import check_exposure
from orchestrator.model.errors import InvalidOption
from orchestrator.settings import load_settings
from tests.support import Server, eventually

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's lines as (INSTRUCTION, rest)."""
    text = (ROOT / "docker" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    split = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in split]


def said(instruction: str) -> list[str]:
    return [rest for word, rest in instructions() if word == instruction]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    services: dict[str, dict[str, Any]] = document["services"]
    return services


def test_the_image_runs_orchestrator_as_nobody_in_particular() -> None:
    assert said("FROM")[0].startswith("python:")
    assert "-slim" in said("FROM")[0]
    assert said("USER") == ["10001"]
    # Exec form is JSON; a shell in between would swallow SIGTERM.
    assert json.loads(said("ENTRYPOINT")[0]) == ["orchestrator"]


def test_the_image_copies_what_there_is_and_nothing_that_is_ignored() -> None:
    ignored = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().split()
    copied = [name for rest in said("COPY") for name in rest.split()[:-1]]

    assert all((ROOT / name).exists() for name in copied)
    assert {f"!{name}" for name in copied} == {line for line in ignored if line.startswith("!")}


def test_the_server_keeps_everything_and_evicts_nothing(services: dict[str, Any]) -> None:
    words = services["server"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))

    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert services["server"]["volumes"] == ["data:/data"]
    assert "ports" not in services["server"], "nobody outside may reach a server without password"


def test_every_part_of_ours_uses_that_server(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name == "server":
            continue
        settings = load_settings(filled(service["environment"]), Path("/"))
        assert settings.redis_url == "redis://server:6379/0", name
        assert service["depends_on"] == {"server": {"condition": "service_healthy"}}
        assert service["init"] is True


def filled(environment: dict[str, str], **given: str) -> dict[str, str]:
    """The environment as compose makes it: ``${NAME:-}`` is what was given, or empty."""
    return {
        name: given.get(name, "") if text == f"${{{name}:-}}" else text
        for name, text in environment.items()
    }


def test_the_api_needs_a_key_and_is_open_to_this_machine_only(services: dict[str, Any]) -> None:
    api = services["api"]
    host = api["command"][api["command"].index("--host") + 1]
    port = api["command"][api["command"].index("--port") + 1]
    assert api["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"127.0.0.1:{port}/api/v1/health" in api["healthcheck"]["test"][-1]

    without = load_settings(filled(api["environment"]), Path("/"), api_host=host)
    with pytest.raises(InvalidOption, match="set ORCHESTRATOR_API_KEY"):
        check_exposure(without)
    key = "alice=secret-of-alice-0123"
    given = filled(api["environment"], ORCHESTRATOR_API_KEY=key)
    check_exposure(load_settings(given, Path("/"), api_host=host))


def test_docker_waits_longer_than_a_runner_drains(services: dict[str, Any]) -> None:
    runner = services["runner"]
    settings = load_settings(runner["environment"], Path("/"))

    assert float(runner["stop_grace_period"].removesuffix("s")) > settings.shutdown_grace_seconds


def test_runners_can_be_scaled_and_find_the_flow(services: dict[str, Any]) -> None:
    runner = services["runner"]
    assert "container_name" not in runner
    assert "ports" not in runner

    (mount,) = runner["volumes"]
    source, target, mode = mount.split(":")
    path, _, flow = runner["command"][1].partition(":")
    example = ROOT / "docker" / source / Path(path).relative_to(target)
    assert mode == "ro"
    assert f"def {flow}(" in example.read_text()


@pytest.fixture
def image(tmp_path: Path) -> dict[str, str]:
    """COPY and RUN, with the image's root moved into a clean folder; its environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    (tmp_path / "opt").mkdir()
    for word, rest in instructions():
        if word == "COPY":
            _copy(rest.split(), tmp_path)
        elif word == "RUN" and not rest.startswith("useradd"):
            command = [_moved(part, tmp_path) for part in rest.split()]
            command[0] = sys.executable if command[0] == "python" else command[0]
            subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    environment["PATH"] = f"{tmp_path}/opt/orchestrator/bin:{environment['PATH']}"
    return environment


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_steps_of_the_image_and_the_parts_of_the_compose_file_work_together(
    image: dict[str, str], tmp_path: Path, services: dict[str, Any]
) -> None:
    server = Server(options=tuple(services["server"]["command"][1:])).start()
    image["ORCHESTRATOR_REDIS_URL"] = server.url
    (entrypoint,) = json.loads(said("ENTRYPOINT")[0])
    program = shutil.which(entrypoint, path=image["PATH"])
    assert program is not None
    assert program.startswith(str(tmp_path)), "the one that was just installed"
    path, _, flow = services["runner"]["command"][1].partition(":")
    serve = ["serve", f"{ROOT / 'examples' / Path(path).name}:{flow}"]
    parts = [
        subprocess.Popen([program, *words], env=image, cwd=tmp_path)
        for words in (services["scheduler"]["command"], serve, serve)
    ]
    ask = [program, "deployment", "run", f"{flow}/{flow}", "--watch"]
    try:
        eventually(
            lambda: _output(ask, image, tmp_path).count("Completed"),
            within=30,
            every=0.5,
            why="a run completes",
        )
    finally:
        for part in parts:
            part.terminate()
        ends = [part.wait() for part in parts]
        server.stop()
    assert ends == [0, 0, 0], "SIGTERM, as from `docker stop`, ends every part in order"


def _output(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """What it said; an error too, as long as the parts are still starting."""
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    ).stdout


def _copy(words: list[str], root: Path) -> None:
    *names, target = words
    for name in names:
        source, place = ROOT / name, Path(_moved(target, root))
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place / name)


def _moved(word: str, root: Path) -> str:
    return str(root / word[1:]) if word.startswith("/") else word
