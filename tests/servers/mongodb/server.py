"""A server of MongoDB's protocol for the tests: theirs alone, on this machine, and killed when they ask for it.

No package brings `mongod`, so it is a Java one, fetched by Maven and compiled into a cache outside the checkout. It
holds a file that a killed server leaves as far as it had acknowledged; its speed says nothing.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pymongo

from tests.support.ports import free_port

HERE = Path(__file__).parent


class MongoServer:
    """A server on one port and one file, which can be killed and started again. It ends with this process."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}"
        self._folder = folder

    def start(self) -> None:
        """Returns once the server answers."""
        command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", class_path(built())]
        command += ["Server", str(self.port), str(self._folder / "data")]
        with (self._folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        if not self.process.stdout.readline():
            raise RuntimeError(f"the server ended: {(self._folder / 'server.log').read_text()}")
        with pymongo.MongoClient(self.uri) as client:
            client.admin.command("ping")

    def kill(self) -> None:
        """As a crash would: nothing is flushed, nothing is said."""
        self.process.kill()
        self.process.wait(60)
        self.process.stdin.close()
        self.process.stdout.close()


@contextmanager
def serving(folder: Path) -> Iterator[MongoServer]:
    """A server that does not outlive the block."""
    server = MongoServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def missing() -> str | None:
    """Why no server can be started here; None when it can."""
    for command in ("java", "javac", "mvn"):
        if not shutil.which(command):
            return f"there is no {command}, and no MONGODB_URI"
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+", said.stdout + said.stderr)
    if not found or int(found[0]) < 17:
        return f"Java 17 is needed, not {(said.stdout + said.stderr).strip()}, or MONGODB_URI"
    try:
        built()
    except subprocess.CalledProcessError as error:
        return f"the server could not be fetched and compiled: {(error.stdout + error.stderr).strip()[:500]}"
    return None


def built() -> Path:
    """The folder of the server and its libraries, made by the first caller; it is there whole or not at all."""
    pom, source = HERE / "pom.xml", HERE / "Server.java"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rolltop-tests"
    version = hashlib.sha256(pom.read_bytes() + source.read_bytes()).hexdigest()[:12]
    folder = cache / f"mongodb-server-{version}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetching").open("w") as lock, tempfile.TemporaryDirectory(dir=cache) as unfinished:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of Maven at once would meet in its own cache
        if folder.exists():
            return folder
        made = Path(unfinished) / "server"
        fetch = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={made}"]
        compile_ = ["javac", "-cp", class_path(made), "-d", str(made), str(source)]
        for command in (fetch, compile_):
            subprocess.run(command, capture_output=True, text=True, check=True)
        made.rename(folder)
    return folder


def class_path(folder: Path) -> str:
    """What is in this folder: classes and libraries."""
    return f"{folder}{os.pathsep}{folder}/*"


def database(uri: str, name: str) -> str:
    """The URI of this database on the server of `uri`."""
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))
