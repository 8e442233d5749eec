"""The versions of what runs here."""

import platform
from importlib.metadata import version

from console.doctor.store import Reports
from core.log.records import FOLD
from core.store import Store

_OF_STORES = {"SQLite": "SQLite", "server": "Server", "schema version": "Store format"}


async def versions(store: Store) -> dict[str, str]:
    """By name the versions: of Rolltop, of what it runs on here, of the format of the store, and of the fold."""
    report = await store.report() if isinstance(store, Reports) else {}
    return {
        "Rolltop": version("rolltop"),
        "Python": platform.python_version(),
        "Streamlit": version("streamlit"),
        **{name: report[told] for told, name in _OF_STORES.items() if told in report},
        "Fold": str(FOLD),
    }
