"""What a runner is told when it starts: everything that ``serve`` was given, as one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.model.code import Code
from orchestrator.model.deployment import DeploymentDefinition

Source = Mapping[str, str]
"""Where a flow's code is: ``path`` or ``module`` with ``qualname``, or ``pickle`` (base64). With
``storage`` these lie in the checkout of that one of the spec's ``storages``, and ``schema`` is that
of the parameters (JSON), as registered."""

HANDED_ON = "SIGUSR1"
"""The signal with which a serving script hands on to its runner the one that it has had itself."""

BESIDE = ""
"""In the place of a storage's key: the code lies beside the serving script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """A storage that is served from, and its code when serving began."""

    storage: Mapping[str, Any]
    """For the process that looks for new code; may hold secrets, so it is never shown."""
    shown: str
    """For people."""
    pull_interval: float | None
    code: Code

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> StoredCode:
        return cls(**{**document, "code": Code.from_json(document["code"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSpec:
    """One serving: what is served, how many runs at once, and how it ends."""

    url: str
    """The server; may hold a password, so it is never shown unmasked."""
    name: str
    limit: int
    """Runs at the same time in this runner."""
    limit_is_default: bool = False
    """Nobody asked for this limit: it is the number of CPUs."""
    definitions: tuple[DeploymentDefinition, ...]
    sources: Mapping[str, Source]
    """full name -> where the spawner finds the flow."""
    storages: Mapping[str, StoredCode] = field(default_factory=dict)
    home: str = ""
    """Where checkouts lie."""
    sys_path: tuple[str, ...] = ()
    cwd: str = "."
    pause_on_shutdown: bool = True
    shutdown_grace_seconds: float = 25.0
    lease_seconds: float = 30.0
    retention_seconds: float = 7 * 86_400.0
    log_level: str = "INFO"
    log_line_bytes: int = 16 * 1024
    log_lines: int = 10_000
    banner: bool = True
    page: str | None = None
    """Where the pages are shown, when somebody shows them."""
    embedded: bool = False
    """The server is the one that this package carries, which brings a scheduler with it."""

    def to_json(self) -> dict[str, Any]:
        """For the way from the serving script to its runner."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ServingSpec:
        """The spec that ``to_json`` wrote.

        Raises:
            KeyError, TypeError: the document is not one.
        """
        return cls(
            **{
                **document,
                "definitions": tuple(map(DeploymentDefinition.from_json, document["definitions"])),
                "storages": {
                    key: StoredCode.from_json(each) for key, each in document["storages"].items()
                },
                "sys_path": tuple(document["sys_path"]),
            }
        )

    def flows_of(self, key: str) -> dict[str, Source]:
        """Full name -> source of the flows from one storage, or from beside the script."""
        return {n: each for n, each in self.sources.items() if each.get("storage", BESIDE) == key}

    @property
    def places(self) -> tuple[str, ...]:
        """The keys of all places that code comes from."""
        return tuple(dict.fromkeys(s.get("storage", BESIDE) for s in self.sources.values()))

    @property
    def lease_ms(self) -> int:
        return round(self.lease_seconds * 1000)

    @property
    def retention_ms(self) -> int:
        return round(self.retention_seconds * 1000)
