"""The technologies: stores, models and handbooks, each behind a contract of core. A URL picks one.

A class is imported when a program first names it, because each needs packages of its own.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.glossary import Gloss, Glossary
    from backends.handbooks.catalogue.versions import ChangeRecord, DocumentRecord, VersionRecord
    from backends.handbooks.documents.model import LeftOut, Terms
    from backends.handbooks.documents.sandbox import DocumentLimits
    from backends.handbooks.ingest.files import Upload
    from backends.handbooks.ingest.report import DocumentReport, IngestReport, Progress
    from backends.handbooks.opening import open_handbooks
    from backends.handbooks.search.retriever import HandbookRetriever
    from backends.handbooks.search.synonyms import Synonyms
    from backends.handbooks.service import Handbooks, Health, Job, Trial
    from backends.models.anthropic.messages import MessagesModel
    from backends.models.offline.model import OfflineModel
    from backends.models.openai.chat import ChatModel
    from backends.models.openai.responses import ResponsesModel
    from backends.models.opening import open_model
    from backends.models.prices import Prices, read_prices
    from backends.models.provider import Additions
    from backends.models.scripted.model import Bill, Call, Cut, Fail, Pause, Say, ScriptedModel, Stop, Think, Wait
    from backends.stores.memory import MemoryStore
    from backends.stores.mongodb.store import MongoStore
    from backends.stores.opening import open_store
    from backends.stores.sqlite.store import SqliteStore

_MODULES = {
    "Additions": "models.provider",
    "Bill": "models.scripted.model",
    "Call": "models.scripted.model",
    "ChangeRecord": "handbooks.catalogue.versions",
    "ChatModel": "models.openai.chat",
    "Cut": "models.scripted.model",
    "DocumentLimits": "handbooks.documents.sandbox",
    "DocumentRecord": "handbooks.catalogue.versions",
    "DocumentReport": "handbooks.ingest.report",
    "Fail": "models.scripted.model",
    "Gloss": "glossary",
    "Glossary": "glossary",
    "HandbookRetriever": "handbooks.search.retriever",
    "Handbooks": "handbooks.service",
    "Health": "handbooks.service",
    "IngestReport": "handbooks.ingest.report",
    "Job": "handbooks.service",
    "LeftOut": "handbooks.documents.model",
    "MemoryStore": "stores.memory",
    "MessagesModel": "models.anthropic.messages",
    "MongoStore": "stores.mongodb.store",
    "OfflineModel": "models.offline.model",
    "Pause": "models.scripted.model",
    "Prices": "models.prices",
    "Progress": "handbooks.ingest.report",
    "ResponsesModel": "models.openai.responses",
    "Say": "models.scripted.model",
    "ScriptedModel": "models.scripted.model",
    "SqliteStore": "stores.sqlite.store",
    "Stop": "models.scripted.model",
    "Synonyms": "handbooks.search.synonyms",
    "Terms": "handbooks.documents.model",
    "Think": "models.scripted.model",
    "Trial": "handbooks.service",
    "Upload": "handbooks.ingest.files",
    "VersionRecord": "handbooks.catalogue.versions",
    "Wait": "models.scripted.model",
    "open_handbooks": "handbooks.opening",
    "open_model": "models.opening",
    "open_store": "stores.opening",
    "read_prices": "models.prices",
}

__all__ = [
    "Additions",
    "Bill",
    "Call",
    "ChangeRecord",
    "ChatModel",
    "Cut",
    "DocumentLimits",
    "DocumentRecord",
    "DocumentReport",
    "Fail",
    "Gloss",
    "Glossary",
    "HandbookRetriever",
    "Handbooks",
    "Health",
    "IngestReport",
    "Job",
    "LeftOut",
    "MemoryStore",
    "MessagesModel",
    "MongoStore",
    "OfflineModel",
    "Pause",
    "Prices",
    "Progress",
    "ResponsesModel",
    "Say",
    "ScriptedModel",
    "SqliteStore",
    "Stop",
    "Synonyms",
    "Terms",
    "Think",
    "Trial",
    "Upload",
    "VersionRecord",
    "Wait",
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
