"""The wheel, installed where no checkout is: it has all that a console needs, and `rolltop serve` starts one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from contextlib import closing

import pytest

from backends.handbooks.catalogue.catalogue import Catalogue
from console.demo.samples import count_samples
from tests.support.consoles import answer_to, wait_until_healthy
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT, SAMPLES
from tests.support.ports import free_port

PACKAGES = ("backends", "console", "core", "pages", "sample_handbooks")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the sources: a build leaves folders beside them."""
    sources, built = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    run("-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", built, sources)
    (made,) = built.glob("*.whl")
    return made


def run(*arguments):
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory):
    """The folder of programs of an environment with the wheel; the packages that it needs are those of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    run("-m", "venv", "--without-pip", folder)
    run("-m", "pip", "--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "shared.pth").write_text("\n".join(shared))
    return folder / "bin"


@pytest.fixture
def environment():
    """The environment of the tests without a setting of Rolltop's, and without a way to the checkout."""
    return {name: value for name, value in os.environ.items() if "ROLLTOP_" not in name and name != "PYTHONPATH"}


def test_the_wheel_holds_every_file_of_its_packages(wheel):
    files = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as held:
        names = {name for name in held.namelist() if ".dist-info/" not in name}
    assert files == names
    assert "console/.streamlit/config.toml" in names
    assert len(list(SAMPLES.rglob("*.md"))) == sum(name.startswith("sample_handbooks/") for name in names)


def test_rolltop_serve_starts_a_demo_in_an_empty_folder_and_ends_when_it_is_told_to(programs, environment, tmp_path):
    port, log = free_port(), tmp_path / "log" / "console.log"
    log.parent.mkdir()
    (tmp_path / "empty").mkdir()
    with log.open("w") as file:
        command = [programs / "rolltop", "serve", "--port", str(port)]
        server = subprocess.Popen(command, cwd=tmp_path / "empty", env=environment, stdout=file, stderr=file)
    try:
        wait_until_healthy(server, f"http://127.0.0.1:{port}/_stcore/health", log)
        assert log.read_text().startswith(f"Rolltop starts on http://127.0.0.1:{port}/; Ctrl+C ends it\n")
        page = answer_to(port, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert page.status == 200
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == -signal.SIGTERM
    finally:
        server.kill()
        server.wait(PATIENCE)
    assert "Traceback" not in log.read_text()
    with closing(Catalogue(tmp_path / "empty" / "rolltop.db-handbooks")) as catalogue:
        held = catalogue.documents()
    assert count_samples(held).answering == len(held) == 30


@pytest.fixture
def refused(programs, environment, tmp_path):
    """Gives what `rolltop serve` says when it refuses these options."""

    def refused(*options, **variables):
        command = [programs / "rolltop", "serve", *options]
        ran = subprocess.run(
            command, cwd=tmp_path, env={**environment, **variables}, capture_output=True, text=True, timeout=PATIENCE
        )
        assert (ran.returncode, ran.stdout) == (2, "")
        assert list(tmp_path.iterdir()) == []
        return ran.stderr

    return refused


def test_a_port_that_is_taken_is_named_with_what_to_do(refused):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused("--port", str(port))
    assert said == (
        f"rolltop: 127.0.0.1, port {port}: another program listens there: end it, or choose another port with --port\n"
    )


def test_the_development_sign_in_is_not_served_to_other_machines(refused):
    assert "anyone can sign in as anyone" in refused("--host", "0.0.0.0")


def test_a_wrong_setting_stops_the_start_and_is_named(refused):
    assert "unknown setting: write ROLLTOP_STORE" in refused(ROLLTOP_STOR="sqlite:///desk.db")
    assert "write ROLLTOP_LIMITS_PERSON_TURNS_A_DAY" in refused(ROLLTOP_LIMITS_PERSON_TURNS_A_DYA="1")
