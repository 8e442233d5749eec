"""The versions of what runs here."""

import platform
from importlib.metadata import version

from core.log.records import FOLD


def versions() -> dict[str, str]:
    """By name the version of Rolltop, of Python, of what it runs on here, and of the fold of its records."""
    return {
        "Rolltop": version("rolltop"),
        "Python": platform.python_version(),
        "Streamlit": version("streamlit"),
        "fold": str(FOLD),
    }
