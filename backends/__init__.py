"""The technologies: stores, models and handbooks, each behind a contract of core. A URL picks one.

A class is imported when a program first names it, because each needs packages of its own.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.handbooks.documents.model import Terms
    from backends.handbooks.opening import open_handbooks
    from backends.handbooks.search.retriever import HandbookRetriever
    from backends.handbooks.service import Handbooks
    from backends.models.anthropic.messages import MessagesModel
    from backends.models.offline.model import OfflineModel
    from backends.models.openai.chat import ChatModel
    from backends.models.openai.responses import ResponsesModel
    from backends.models.opening import open_model
    from backends.models.prices import Prices, read_prices
    from backends.models.scripted.model import ScriptedModel
    from backends.stores.memory import MemoryStore
    from backends.stores.mongodb.store import MongoStore
    from backends.stores.opening import open_store
    from backends.stores.sqlite.store import SqliteStore

_MODULES = {
    "ChatModel": "models.openai.chat",
    "HandbookRetriever": "handbooks.search.retriever",
    "Handbooks": "handbooks.service",
    "MemoryStore": "stores.memory",
    "MessagesModel": "models.anthropic.messages",
    "MongoStore": "stores.mongodb.store",
    "OfflineModel": "models.offline.model",
    "Prices": "models.prices",
    "ResponsesModel": "models.openai.responses",
    "ScriptedModel": "models.scripted.model",
    "SqliteStore": "stores.sqlite.store",
    "Terms": "handbooks.documents.model",
    "open_handbooks": "handbooks.opening",
    "open_model": "models.opening",
    "open_store": "stores.opening",
    "read_prices": "models.prices",
}

__all__ = [
    "ChatModel",
    "HandbookRetriever",
    "Handbooks",
    "MemoryStore",
    "MessagesModel",
    "MongoStore",
    "OfflineModel",
    "Prices",
    "ResponsesModel",
    "ScriptedModel",
    "SqliteStore",
    "Terms",
    "open_handbooks",
    "open_model",
    "open_store",
    "read_prices",
]


def __getattr__(name: str) -> object:
    """The class or function of this name. Raises MissingExtra, which is an ImportError, if its extra is missing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def _check_core() -> None:
    """Raises ImportError if Python finds another package called `core` before Rolltop's."""
    # Found and not imported, so that nothing of the other package runs.
    own, spec = Path(__file__).resolve().parent.parent / "core", find_spec("core")
    found = Path(spec.origin).resolve().parent if spec and spec.origin else None
    if found != own:
        raise ImportError(
            f"Rolltop's package `core` is in {own}, but Python finds {found or 'none'} first on sys.path: "
            "rename the other package, or start Python from another directory"
        )


_check_core()
