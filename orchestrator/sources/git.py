"""The program ``git``, asked so that it never prompts, runs no hook, and tells no secret."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.model.errors import SourceFailed
from orchestrator.sources.checks import GIT_SCHEMES
from orchestrator.sources.failing import GitSaid, scrubbed
from orchestrator.sources.storages import GitRepository

PROGRAM = "git"
_USER, _PASSWORD = "ORCHESTRATOR_GIT_USERNAME", "ORCHESTRATOR_GIT_PASSWORD"
_HELPER = f"""!f() {{ printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
"""A credential helper that reads its environment: the command line shows only this."""

_KEPT = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_COMMAND")
"""Of what the environment tells git, that which is about the way to the server."""

_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15"
_ALWAYS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.autocrlf=false"),
    # Nothing that goes on when it has ended.
    *("gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.writeCommitGraph=0"),
    *("http.lowSpeedLimit=1000", "http.lowSpeedTime=30", "protocol.version=2"),
    "protocol.allow=never",
)


class Git:
    """git for one repository of ours, on the way to one URL."""

    def __init__(self, repository: Path, url: str, storage: GitRepository) -> None:
        self.repository, self.url, self._storage = repository, url, storage
        self._is_home = _host(url) == _host(storage.url)

    def __call__(self, *words: str, **more: str) -> str:
        """What it prints. ``more`` goes into its environment.

        Raises:
            GitSaid: it ended with an error.
            SourceFailed: there is no git here.
        """
        try:
            ended = subprocess.run(
                [PROGRAM, *self._options(), "--git-dir", str(self.repository), *words],
                env={**self._environment(), **more},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            remedy = "install git (Debian: apt-get install git)"
            raise SourceFailed(self._storage.shown, "there is no git here", remedy) from None
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace")
            raise GitSaid(scrubbed(said, self._storage.secrets))
        return ended.stdout.decode(errors="replace")

    def begin(self) -> None:
        """Have an empty repository, without anybody's template and its hooks."""
        if not (self.repository / "HEAD").exists():
            self("init", "--quiet", "--bare", "--template=")

    def _options(self) -> Sequence[str]:
        settings = [*_ALWAYS, *(f"protocol.{kind}.allow={self._may(kind)}" for kind in GIT_SCHEMES)]
        if self._storage.credentials:
            # An empty helper forgets the user's own ones, which might keep what they are shown.
            settings += ["credential.helper=", f"credential.{_host(self._storage.url)}.helper="]
            if self._is_home:
                settings.append(f"credential.{_host(self.url)}.helper={_HELPER}")
        return [word for setting in settings for word in ("-c", setting)]

    def _may(self, kind: str) -> str:
        """A repository elsewhere cannot make us read one of this machine."""
        return "always" if kind != "file" or is_local(self.url) else "never"

    def _environment(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith("GIT_") or n in _KEPT}
        found = {
            "GIT_SSH_COMMAND": _SSH,
            **kept,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C",
        }
        if self._storage.credentials and self._is_home:
            found[_USER] = self._storage.credentials["username"]
            found[_PASSWORD] = self._storage.credentials["password"]
        return found


def is_local(url: str) -> bool:
    """Whether git reads it from this machine's own folders."""
    return url.startswith(("file://", "/"))


def _host(url: str) -> str:
    """Scheme, host and port: for whom credentials are."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
