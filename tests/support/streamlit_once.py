"""What Streamlit does anew for each AppTest, done once in a process: a large part of the time of such a test."""

from functools import cache

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner


def scan_once() -> None:
    """Streamlit reads the metadata of all packages for each AppTest and for each server; from now on only once."""
    once = cache(manifest_scanner.scan_component_manifests)
    setattr(manifest_scanner, "scan_component_manifests", once)  # noqa: B010 - mypy lets no function be assigned to


def compile_once() -> None:
    """Streamlit compiles each page for each run of an AppTest, unlike a server; from now on only once."""
    compiled = ScriptCache()
    for module in (app_test, local_script_runner):
        setattr(module, "ScriptCache", lambda: compiled)  # noqa: B010 - mypy lets no class be assigned to
