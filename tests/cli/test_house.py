"""``config show``, ``doctor`` and ``version``: about this machine and its server."""

from __future__ import annotations

from pathlib import Path

import redis

from orchestrator.version import __version__
from tests.cli.seeds import HELLO, Seeds
from tests.cli.terminal import Terminal
from tests.support import Server


def test_version(terminal: Terminal) -> None:
    assert __version__ in terminal.call("version").out
    assert terminal.call("version", "--output", "json").document["version"] == __version__


def test_config_shows_values_and_their_origin(tmp_path: Path) -> None:
    secrets = 'api_key = "ada=s3cret-of-ada-012"\nwebhook_secret = "s3cret-of-hooks-01"\n'
    (tmp_path / "orchestrator.toml").write_text(f"retention_days = 3\n{secrets}")
    terminal = Terminal("redis://user:s3cret@host:1", tmp_path)

    text = terminal.call("config", "show")
    data = terminal.call("config", "show", "--output", "json")

    assert (text.code, data.code) == (0, 0)
    assert "s3cret" not in text.out + data.out
    assert "host:1" in text.out
    assert data.document["redis_url"]["origin"] == "ORCHESTRATOR_REDIS_URL"
    assert data.document["lease_seconds"] == {"value": 30.0, "origin": "default"}
    assert data.document["retention_days"]["value"] == 3
    assert str(tmp_path) in data.document["retention_days"]["origin"]


def test_config_without_a_url_starts_nothing(tmp_path: Path) -> None:
    answer = Terminal(None, tmp_path).call("config", "show", "--output", "json")

    assert answer.document["redis_url"]["value"] is None
    assert not (tmp_path / "home").exists()


def test_doctor_says_what_is_missing(terminal: Terminal) -> None:
    text = terminal.call("doctor")
    data = terminal.call("doctor", "--output", "json")

    assert (text.code, data.code) == (0, 0)
    for fact in ("appendonly is off", "no scheduler is alive", "scheduler start", "can fork"):
        assert fact in text.out
    assert data.document["embedded"] is False
    assert {finding["level"] for finding in data.document["findings"]} == {"ok", "warn"}
    assert set(data.document["findings"][0]) == {"level", "what", "remedy"}


def test_doctor_sees_who_is_there(terminal: Terminal, seeds: Seeds) -> None:
    seeds.deployment(HELLO)
    seeds.runner()
    with redis.Redis.from_url(str(terminal.url)) as client:
        client.set("orc:leader", "somebody", px=60_000)

    answer = terminal.call("doctor")

    assert "a scheduler is alive" in answer.out
    assert "1 runner is serving" in answer.out


def test_doctor_exits_1_for_a_server_that_must_not_be_used(tmp_path: Path) -> None:
    evicting = Server(options=("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")).start()
    try:
        answer = Terminal(evicting.url, tmp_path).call("doctor")
    finally:
        evicting.stop()

    assert answer.code == 1
    assert "REFUSED" in answer.out
    assert "maxmemory-policy noeviction" in answer.out


def test_doctor_names_damaged_keys_and_repairs_them(terminal: Terminal, seeds: Seeds) -> None:
    """A run whose ticket somebody deleted is led to again; asked once more, all fits."""
    d = seeds.deployment(HELLO)
    run = seeds.waiting()
    with redis.Redis.from_url(str(terminal.url)) as client:
        client.delete(f"orc:{{{d}}}:queue")

    named = terminal.call("doctor")
    repaired = terminal.call("doctor", "--repair")
    after = terminal.call("doctor")

    assert (named.code, repaired.code, after.code) == (0, 0, 0)
    assert f"run {run}: waits without ticket" in named.out
    assert "doctor --repair" in named.out
    assert f"repaired: {HELLO}: run {run}: waits without ticket" in repaired.out
    assert "fit each other" in after.out
