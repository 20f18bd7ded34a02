"""Which value holds, where it came from, and what a refusal says."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.model.errors import InvalidOption
from orchestrator.settings import DEFAULT, Settings, default_home, load_settings

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "orchestrator.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, environ: dict[str, str] | None = None, **overrides: object) -> str:
    with pytest.raises(InvalidOption) as caught:
        load_settings(environ or {}, folder, **overrides)
    return str(caught.value)


def test_with_nothing_given_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)

    assert settings == Settings()
    assert settings.redis_url is None
    assert settings.home == default_home()
    assert settings.lease_seconds == 30
    assert {source.origin for source in settings.sources()} == {DEFAULT}


def test_arguments_before_environment_before_file_before_default(tmp_path: Path) -> None:
    path = write(tmp_path, "lease_seconds = 3\nretention_days = 3\nserver_idle_minutes = 3.5\n")
    environ = {"ORCHESTRATOR_LEASE_SECONDS": "2", "ORCHESTRATOR_RETENTION_DAYS": "2"}

    settings = load_settings(environ, tmp_path, lease_seconds=1)

    assert settings.lease_seconds == 1
    assert settings.retention_days == 2
    assert settings.server_idle_minutes == 3.5
    assert settings.shutdown_grace_seconds == 25
    origins = {source.name: source.origin for source in settings.sources()}
    assert origins["lease_seconds"] == "argument"
    assert origins["retention_days"] == "ORCHESTRATOR_RETENTION_DAYS"
    assert origins["server_idle_minutes"] == str(path)
    assert origins["shutdown_grace_seconds"] == DEFAULT


def test_every_setting_has_its_source(tmp_path: Path) -> None:
    named = [source.name for source in load_settings({}, tmp_path).sources()]

    assert named == [f.name for f in dataclasses.fields(Settings) if f.name != "origins"]


def test_the_nearest_file_upwards_holds_alone(tmp_path: Path) -> None:
    write(tmp_path, "lease_seconds = 3\nretention_days = 3\n")
    write(tmp_path / "a", "lease_seconds = 2\n")

    settings = load_settings({}, tmp_path / "a" / "b" / "c")

    assert settings.lease_seconds == 2
    assert settings.retention_days == Settings().retention_days


def test_none_and_an_empty_variable_are_not_given(tmp_path: Path) -> None:
    environ = {"ORCHESTRATOR_REDIS_URL": "", "ORCHESTRATOR_LEASE_SECONDS": ""}

    assert load_settings(environ, tmp_path, redis_url=None, home=None) == Settings()


def test_a_relative_home_begins_where_it_was_written(tmp_path: Path) -> None:
    write(tmp_path, 'home = "data"\n')
    assert load_settings({}, tmp_path / "deeper").home == tmp_path / "data"

    here = load_settings({"ORCHESTRATOR_HOME": "data/../mine"}, tmp_path / "deeper")
    assert here.home == tmp_path / "deeper" / "mine"


def test_what_is_passed_to_a_child_says_the_same(tmp_path: Path) -> None:
    settings = load_settings(
        {}, tmp_path, home=tmp_path, lease_seconds=1.5, redis_url="redis://h:1/0"
    )

    assert load_settings(settings.environment(), Path("/")) == settings


def test_a_level_is_written_in_any_case(tmp_path: Path) -> None:
    assert load_settings({"ORCHESTRATOR_LOG_LEVEL": "warning"}, tmp_path).log_level == "WARNING"


def test_a_repr_shows_no_password(tmp_path: Path) -> None:
    assert "secret" not in repr(load_settings({}, tmp_path, redis_url="redis://:secret@h"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lease_seconds", "soon", "give a number of seconds"),
        ("lease_seconds", "0.5", "give at least 1 seconds"),
        ("lease_seconds", "nan", "finite"),
        ("lease_seconds", "inf", "finite"),
        ("shutdown_grace_seconds", "-1", "give at least 0 seconds"),
        ("retention_days", "-1", "give at least 0 days"),
        ("retention_days", "1e300", "give at most 36,525 days"),
        ("server_idle_minutes", "0", "give at least 0.001 minutes"),
        ("log_level", "LOUD", "give one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("log_line_bytes", "255", "give a whole number from 256 to 1048576"),
        ("log_lines", "0", "give a whole number from 1 to 10000000"),
        ("log_lines", "1.5", "give a whole number"),
        ("log_prints", "perhaps", "give true or false"),
    ],
)
def test_a_refusal_names_the_variable_the_value_and_what_to_do(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    variable = f"ORCHESTRATOR_{name.upper()}"

    said = refusal(tmp_path, {variable: value})

    assert said.startswith(f"{variable}={value!r}")
    assert words in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lease_seconds = true", "give a number of seconds"),
        ("lease_seconds = [1]", "give a number of seconds"),
        ("log_lines = 1.5", "give a whole number"),
        ("log_lines = true", "give a whole number"),
        ("log_level = 20", "give one of DEBUG"),
        ("home = 1", "give the path of a folder"),
        ("redis_url = 6379", "give a text like redis://host:6379/0"),
        ("lease_second = 1", "no such setting; known are redis_url, home, lease_seconds"),
        ("[lease]\nseconds = 1", "no such setting"),
        ("lease_seconds = ", "cannot be read"),
    ],
)
def test_a_refusal_names_the_file(tmp_path: Path, line: str, words: str) -> None:
    path = write(tmp_path, line)

    said = refusal(tmp_path)

    assert str(path) in said
    assert words in said


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_bytes(b"\xff\xfe")

    assert "cannot be read" in refusal(tmp_path)


def test_a_home_of_nobody(tmp_path: Path) -> None:
    assert "give a full path" in refusal(tmp_path, home="~no-such-user/x")


def test_a_refused_argument_is_named_as_it_was_given(tmp_path: Path) -> None:
    assert refusal(tmp_path, lease_seconds=-1).startswith("lease_seconds=-1: ")


def test_an_unknown_argument_is_a_mistake_in_the_calling_code(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no such setting: leaseseconds"):
        load_settings({}, tmp_path, leaseseconds=1)


def test_reading_settings_imports_nothing_heavy() -> None:
    code = (
        "import sys; from orchestrator.settings import load_settings; load_settings({})\n"
        "print(sorted({'redis', 'pydantic', 'asyncio', 'tomllib', 'json', 'logging'}"
        " & sys.modules.keys()))"
    )
    output = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.append({str(ROOT)!r})\n{code}"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output.strip() == "[]"


def test_a_url_of_another_kind_is_refused_without_showing_its_password() -> None:
    with pytest.raises(InvalidOption, match="must begin with redis://") as refused:
        load_settings({"ORCHESTRATOR_REDIS_URL": "http://me:secret@host"}, Path("/"))
    assert "ORCHESTRATOR_REDIS_URL" in str(refused.value)
    assert "secret" not in str(refused.value)
