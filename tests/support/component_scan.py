"""Which installed packages bring Streamlit components, found out once in a process."""

from functools import cache

from streamlit.components.v2 import manifest_scanner


def scan_once() -> None:
    """Streamlit reads the metadata of all packages for each AppTest and for each server; from now on only once."""
    once = cache(manifest_scanner.scan_component_manifests)
    setattr(manifest_scanner, "scan_component_manifests", once)  # noqa: B010 - mypy lets no function be assigned to
