"""Settings: read once at the door, frozen, passed down.

Arguments come before ``ORCHESTRATOR_*`` in the environment, those before ``orchestrator.toml`` (in
the folder or the nearest of its parents), that before the defaults below. Nothing heavy is
imported: this runs in processes whose start-up time counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from orchestrator.model.errors import InvalidOption

FILE = "orchestrator.toml"
PREFIX = "ORCHESTRATOR_"
URL_KINDS = ("redis://", "rediss://", "unix://")
DEFAULT = "default"
MOST_RETENTION_DAYS = 36_525
"""A hundred years: beyond the server's calendar no run could end."""
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def default_home() -> Path:
    """Keeps its ``~`` where no user has a home (a container under some number): a process with a
    URL never needs it, and the embedded server refuses it.
    """
    return Path(os.path.expanduser("~/.orchestrator"))  # noqa: PTH111  # Path's own raises


@dataclass(frozen=True, slots=True)
class Source:
    """One setting as it stands, and what decided it: an argument, a variable, the file, or us."""

    name: str
    value: str | float | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set. Made by ``load_settings``, which has checked every value."""

    redis_url: str | None = field(default=None, repr=False)
    """The server; none means the embedded one of ``home``. Not in the repr: may hold a password."""
    home: Path = field(default_factory=default_home)
    """Where the embedded server keeps its data."""
    lease_seconds: float = 30.0
    """T: a runner that says nothing for so long has lost its runs."""
    shutdown_grace_seconds: float = 25.0
    """How long running runs may go on after the first signal."""
    retention_days: float = 7.0
    """How long a finished run can still be read."""
    log_prints: bool = False
    """Whether ``print`` in a run becomes lines of its log, where a flow does not say."""
    log_level: str = "INFO"
    """Records of Python's logging below this level are not stored with a run."""
    log_line_bytes: int = 16 * 1024
    """A longer line of a run's output is stored as several."""
    log_lines: int = 10_000
    """Stored of one attempt; of what is beyond, the last lines are kept and the rest is counted."""
    server_idle_minutes: float = 10.0
    """When the embedded server leaves, with nobody connected and nothing to do."""
    api_host: str = "127.0.0.1"
    """Where the HTTP API listens. Beyond this machine only with an ``api_key``."""
    api_port: int = 4300
    """Its port; when that is taken, the next free one."""
    api_key: str | None = field(default=None, repr=False)
    """Who may use it, see ``model.apikeys``; none: whoever is on this machine."""
    webhook_secret: str | None = field(default=None, repr=False)
    """What programs sign events with that they post; none: they cannot."""
    api_hosts: str = ""
    """Names, separated by commas, under which it is reached besides this machine's own."""
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def sources(self) -> list[Source]:
        """Every setting with its value and where that came from. The URL is not masked."""
        return [
            Source(name, _plain(getattr(self, name)), self.origins.get(name, DEFAULT))
            for name in _READERS
        ]

    def environment(self) -> dict[str, str]:
        """The same settings as ``ORCHESTRATOR_*`` variables, for a child process."""
        return {
            PREFIX + source.name.upper(): str(source.value)
            for source in self.sources()
            if source.value is not None
        }


@dataclass(frozen=True, slots=True)
class _Given:
    """A value somebody gave, and how to speak of it when it is refused."""

    value: object
    option: str
    origin: str
    folder: Path


def load_settings(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, **overrides: object
) -> Settings:
    """The settings that hold here; an override of None counts as not given.

    Raises:
        InvalidOption: a value cannot be used; it names the argument, variable or file.
    """
    folder = Path.cwd() if folder is None else folder
    if unknown := sorted(overrides.keys() - _READERS.keys()):
        raise TypeError(f"no such setting: {', '.join(unknown)}")
    given = {
        **_from_file(folder),
        **_from_environment(os.environ if environ is None else environ, folder),
        **_from_arguments(overrides, folder),
    }
    values = {name: _READERS[name](entry) for name, entry in given.items()}
    origins = {name: entry.origin for name, entry in given.items()}
    return Settings(**values, origins=origins)  # type: ignore[arg-type]  # readers match fields


def _from_arguments(overrides: Mapping[str, object], folder: Path) -> dict[str, _Given]:
    return {
        name: _Given(value, name, "argument", folder)
        for name, value in overrides.items()
        if value is not None
    }


def _from_environment(environ: Mapping[str, str], folder: Path) -> dict[str, _Given]:
    """Variables that are set and not empty: an empty one is how compose files say "unset"."""
    variables = {name: PREFIX + name.upper() for name in _READERS}
    return {
        name: _Given(environ[variable], variable, variable, folder)
        for name, variable in variables.items()
        if environ.get(variable)
    }


def _from_file(folder: Path) -> dict[str, _Given]:
    places = (parent / FILE for parent in (folder, *folder.parents))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return {}
    return {
        name: _Given(value, f"{name} in {path}", str(path), path.parent)
        for name, value in _parsed(path)
    }


def _parsed(path: Path) -> Iterator[tuple[str, object]]:
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = "cannot be read as TOML; lines look like lease_seconds = 30"
        raise InvalidOption(str(path), str(error), why) from error
    for name, value in document.items():
        if name not in _READERS:
            raise InvalidOption(
                f"{name} in {path}", value, f"no such setting; known are {', '.join(_READERS)}"
            )
        yield name, value


def _url(given: _Given) -> str:
    if not isinstance(given.value, str):
        raise InvalidOption(given.option, given.value, "give a text like redis://host:6379/0")
    if not given.value.startswith(URL_KINDS):
        shown = given.value.partition("://")[0][:20] + "..."  # the rest may hold a password
        raise InvalidOption(given.option, shown, f"must begin with {', '.join(URL_KINDS)}")
    return given.value


def _folder(given: _Given) -> Path:
    """Absolute; ``~`` is the user's, and a relative path starts where it was written."""
    if not isinstance(given.value, str | Path):
        raise InvalidOption(given.option, given.value, "give the path of a folder as text")
    try:
        path = given.folder / Path(given.value).expanduser()
    except RuntimeError as error:
        raise InvalidOption(given.option, given.value, f"{error}; give a full path") from error
    return Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links


def _number(
    at_least: float, unit: str, *, at_most: float | None = None
) -> Callable[[_Given], float]:
    """A reader of numbers of ``unit``, ``at_least`` and ``at_most`` so many."""

    def read(given: _Given) -> float:
        try:
            if isinstance(given.value, bool) or not isinstance(given.value, int | float | str):
                raise ValueError
            number = float(given.value)
        except ValueError:
            raise InvalidOption(
                given.option, given.value, f"give a number of {unit}, for example 30"
            ) from None
        if not isfinite(number) or number < at_least:
            raise InvalidOption(
                given.option, given.value, f"give at least {at_least:g} {unit}, and a finite number"
            )
        if at_most is not None and number > at_most:
            raise InvalidOption(given.option, given.value, f"give at most {at_most:,} {unit}")
        return number

    return read


def _switch(given: _Given) -> bool:
    word = str(given.value).lower()
    if word not in _SWITCH:
        raise InvalidOption(given.option, given.value, "give true or false")
    return _SWITCH[word]


def _level(given: _Given) -> str:
    level = str(given.value).upper()
    if level not in LEVELS:
        raise InvalidOption(given.option, given.value, f"give one of {', '.join(LEVELS)}")
    return level


def _text(given: _Given) -> str:
    if not isinstance(given.value, str):
        raise InvalidOption(given.option, given.value, "give a text")
    return given.value.strip()


def _secret(given: _Given) -> str:
    if not isinstance(given.value, str) or len(given.value) < _SHORTEST_SECRET:
        why = f"give a text of at least {_SHORTEST_SECRET} characters"
        raise InvalidOption(given.option, "...", why)
    return given.value


_SHORTEST_SECRET = 16


def _keys(given: _Given) -> str:
    """Checked here, so that no process begins to listen with half of its keys."""
    from orchestrator.model.apikeys import parse_keys  # rarely given

    if not isinstance(given.value, str):
        raise InvalidOption(given.option, "...", "give a text")
    try:
        parse_keys(given.value)
    except ValueError as error:
        raise InvalidOption(given.option, "...", str(error)) from None
    return given.value


def _count(at_least: int, at_most: int) -> Callable[[_Given], int]:
    """A reader of whole numbers between these."""

    def read(given: _Given) -> int:
        try:
            number = -1 if isinstance(given.value, bool | float) else int(str(given.value))
        except ValueError:
            number = -1
        if not at_least <= number <= at_most:
            why = f"give a whole number from {at_least} to {at_most}"
            raise InvalidOption(given.option, given.value, why)
        return number

    return read


_SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _plain(value: str | float | Path | None) -> str | float | None:
    return str(value) if isinstance(value, Path) else value


_READERS: dict[str, Callable[[_Given], object]] = {
    "redis_url": _url,
    "home": _folder,
    # Beats go out every T/4 and take a round trip: below a second every hiccup loses runs.
    "lease_seconds": _number(1, "seconds"),
    "shutdown_grace_seconds": _number(0, "seconds"),
    "retention_days": _number(0, "days", at_most=MOST_RETENTION_DAYS),
    "log_prints": _switch,
    "log_level": _level,
    # Cuts lie between characters, and a line has to hold some; far above, one line is a burden.
    "log_line_bytes": _count(256, 1024 * 1024),
    "log_lines": _count(1, 10_000_000),
    # At none it would be gone before who asked for it has connected.
    "server_idle_minutes": _number(0.001, "minutes"),
    "api_host": _text,
    "api_port": _count(0, 65_535),
    "api_key": _keys,
    "webhook_secret": _secret,
    "api_hosts": _text,
}
