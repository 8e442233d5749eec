"""A real console, started as a newcomer starts it, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.support.desks import PATIENCE
from tests.support.paths import ROOT
from tests.support.ports import free_port

CATALOGUE = "desk.db-handbooks"


@dataclass(frozen=True)
class Console:
    """A running console; `folder` holds its store, and its script if it has one."""

    url: str
    folder: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@dataclass(frozen=True)
class Answer:
    """What a server answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


def answer_to(port: int, request: bytes) -> Answer:
    """What the server on this port answers to these bytes, which may be less than a whole request."""
    with socket.create_connection(("127.0.0.1", port), timeout=3 * PATIENCE) as connection:
        connection.sendall(request)
        with HTTPResponse(connection) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            # A connection that became a websocket stays open.
            text = "" if response.status == 101 else response.read().decode()
            return Answer(response.status, headers, text)


def start(
    folder: Path, model: str, port: int, store: str | None = None, *, demo: bool = True
) -> "subprocess.Popen[bytes]":
    """A console from the root, on a demo store or a company's; it is in its folder, or the one that this URL names.

    Its catalogue of handbooks is in its folder too: a demo imports the samples unless they are there already. Returns
    once it answers.
    """
    store = store or f"sqlite:///{folder}/desk.db"
    environment = {
        **os.environ,
        "ROLLTOP_STORE": store,
        "ROLLTOP_MODEL": model,
        "ROLLTOP_INDEX": str(folder / CATALOGUE),
    }
    if demo:
        command = [sys.executable, "-m", "console.cli.main", "demo"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)
    return launch(folder, port, "console", cwd=ROOT, env=environment)


def launch(folder: Path, port: int, script: str, *, cwd: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """`streamlit run SCRIPT` with this environment, in this working folder. Returns once it answers."""
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    with (folder / "console.log").open("a") as log:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log)
    try:
        _wait_until_healthy(process, f"http://127.0.0.1:{port}/_stcore/health", folder / "console.log")
    except BaseException:  # a failure of pytest's is no Exception
        process.kill()
        process.wait(PATIENCE)
        raise
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the console to end, and kill it by its pid if it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)
        raise


@contextmanager
def running(folder: Path, model: str, store: str | None = None, *, demo: bool = True) -> Iterator[Console]:
    """A console for as long as the block lasts."""
    port = free_port()
    process = start(folder, model, port, store, demo=demo)
    try:
        yield Console(f"http://127.0.0.1:{port}", folder)
    finally:
        end(process)


def _wait_until_healthy(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the console ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the console does not answer: {log.read_text()}")
