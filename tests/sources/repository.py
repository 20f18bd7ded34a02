"""A git repository that tests commit to, and servers that give it away."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support import eventually

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@localhost",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@localhost",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
FLOW = """
from orchestrator import flow
from flows import version

@flow
def tell(times: int = 1):
    return [version.VERSION] * times
"""


class Repository:
    """A repository with its working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def git(self, *words: str) -> str:
        ended = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=self.folder,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Write the files and commit everything; the commit's number."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def commit_version(self, version: str, flow: str = FLOW) -> str:
        """A flow ``tell`` that answers this version."""
        return self.commit({"flows/etl.py": flow, "flows/version.py": f"VERSION = {version!r}"})


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Repositories below ``folder`` at the URL."""
    port = free_port()
    process = subprocess.Popen(
        [
            *("git", "daemon", "--reuseaddr", "--export-all", f"--base-path={folder}"),
            *("--listen=127.0.0.1", f"--port={port}"),
        ],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: answers(port), why="git daemon listens")
        yield f"git://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class GitOverHttp(ThreadingHTTPServer):
    """Repositories below a folder by ``git http-backend``; for all, or for who has the password."""

    daemon_threads = True

    def __init__(self, folder: Path, user: str = "", password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.wanted = f"{user}:{password}" if user else ""
        self.seen: list[str] = []
        """What came as Authorization."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def git_over_http(folder: Path, user: str = "", password: str = "") -> Iterator[GitOverHttp]:
    server = GitOverHttp(folder, user, password)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: GitOverHttp

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def _pass_on(self) -> None:
        given = self.headers.get("Authorization", "")
        self.server.seen.append(given)
        wanted = f"Basic {base64.b64encode(self.server.wanted.encode()).decode()}"
        if self.server.wanted and given != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="tests"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ended = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=False,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.server.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_ADDR": "127.0.0.1",
                "REMOTE_USER": "tests",
            },
        )
        self._answer(ended.stdout)

    def _answer(self, output: bytes) -> None:
        head, _, content = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
