"""The technologies: stores, models and handbooks, each behind a contract of core. A URL picks one.

A class is imported when a program first names it, because each needs packages of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from backends.models.opening import open_model
from backends.stores.opening import open_store

if TYPE_CHECKING:
    from backends.handbooks.documents.model import Terms
    from backends.handbooks.opening import open_handbooks
    from backends.handbooks.search.retriever import HandbookRetriever
    from backends.handbooks.service import Handbooks
    from backends.models.anthropic.messages import MessagesModel
    from backends.models.offline.model import OfflineModel
    from backends.models.openai.chat import ChatModel
    from backends.models.openai.responses import ResponsesModel
    from backends.models.prices import Prices, read_prices
    from backends.models.scripted.model import ScriptedModel
    from backends.stores.memory import MemoryStore
    from backends.stores.mongodb.store import MongoStore
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
    """The class or function of this name. Raises ModuleNotFoundError if its package is not installed."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
