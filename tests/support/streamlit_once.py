"""What Streamlit does anew for each AppTest, done once in a process or not at all: much of the time of such a test."""

import tomllib
from functools import cache

from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner

from tests.support.paths import ROOT


def scan_once() -> None:
    """Streamlit reads the metadata of all packages for each AppTest and for each server; from now on only once."""
    once = cache(manifest_scanner.scan_component_manifests)
    setattr(manifest_scanner, "scan_component_manifests", once)  # noqa: B010 - mypy lets no function be assigned to


def compile_once() -> None:
    """Streamlit compiles each page for each run of an AppTest, unlike a server; from now on only once."""
    compiled = ScriptCache()
    for module in (app_test, local_script_runner):
        setattr(module, "ScriptCache", lambda: compiled)  # noqa: B010 - mypy lets no class be assigned to


def run_as_a_console_does() -> None:
    """An AppTest runs pages as a console does: without a full garbage collection after each run, and without magic."""
    settings = tomllib.loads((ROOT / "console" / ".streamlit" / "config.toml").read_text())
    for section in ("logger", "runner"):
        for name, value in settings[section].items():
            config.set_option(f"{section}.{name}", value)
