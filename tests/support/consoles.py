"""A real console, started as a newcomer starts it, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.desks import PATIENCE
from tests.support.forked import Forked
from tests.support.paths import ROOT
from tests.support.ports import free_port

CATALOGUE = "desk.db-handbooks"

Process = TypeVar("Process", Forked, "subprocess.Popen[bytes]")


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


def start(folder: Path, model: str, port: int, store: str | None = None, *, demo: bool = True) -> Forked:
    """A console from the root, on a demo store or a company's; it is in its folder, or the one that this URL names.

    Its catalogue of handbooks is in its folder too: a demo imports the samples unless they are there already. Returns
    once it answers. It is forked from a process that has loaded what it needs; `launch` begins with nothing.
    """
    store = store or f"sqlite:///{folder}/desk.db"
    environment = {
        "ROLLTOP_DRAIN": "0",  # what a test leaves running need not be waited for
        **os.environ,
        "ROLLTOP_STORE": store,
        "ROLLTOP_MODEL": model,
        "ROLLTOP_INDEX": str(folder / CATALOGUE),
    }
    log = folder / "console.log"
    if demo:
        marking = Forked(run, "console.cli.main", ["demo"], environment, log, log)
        marking.wait(PATIENCE)
        assert marking.poll() == 0, log.read_text()
    return _answering(Forked(run, "streamlit.web.cli", _arguments(port, "console"), environment, log, log), port, log)


def run(program: str, arguments: Sequence[str], environment: dict[str, str], out: Path, err: Path) -> None:
    """The `main` of a program, in the root, with this environment; what it prints is added to these files."""
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        with path.open("a") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.exit(import_module(program).main(arguments))


def launch(folder: Path, port: int, script: str, *, cwd: Path, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """`streamlit run SCRIPT` with this environment, in this working folder. Returns once it answers."""
    log = folder / "console.log"
    with log.open("a") as file:
        command = [sys.executable, "-m", "streamlit", *_arguments(port, script)]
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=file, stderr=file)
    return _answering(process, port, log)


def _arguments(port: int, script: str) -> list[str]:
    """What stands after `streamlit`."""
    settings = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    return ["run", script, *settings, "--browser.gatherUsageStats=false"]


def _answering(process: Process, port: int, log: Path) -> Process:
    """The process, once the console that it runs answers."""
    try:
        wait_until_healthy(process, f"http://127.0.0.1:{port}/_stcore/health", log)
    except BaseException:  # a failure of pytest's is no Exception
        process.kill()
        process.wait(PATIENCE)
        raise
    return process


def end(process: Process) -> None:
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


def wait_until_healthy(process: Process, url: str, log: Path) -> None:
    """Returns once the URL of the console's health answers. The test fails if the process ends, with its log."""
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
