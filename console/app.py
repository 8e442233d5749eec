"""The composition root: the one place that knows which store, model, retriever and tools this process has.

Made on first use and kept until the process ends, outside of Streamlit's caches: those are empty until the first
visitor comes, and recovery must not wait for one.
"""

import atexit
import logging
from contextlib import AsyncExitStack
from threading import Lock

from backends.handbooks.ingest.ingest import Progress
from backends.handbooks.opening import HandbookIndex, open_handbooks
from backends.handbooks.service import Handbooks
from backends.models.opening import open_model
from backends.models.prices import read_prices
from backends.stores.opening import open_store
from console.demo.records import HrRecords
from console.demo.tools import hr_tools
from console.settings import Settings, read_settings
from core.desk.desk import Desk
from core.desk.runner import Runner

log = logging.getLogger(__name__)


class App:
    """A desk in a loop of its own. `run` and `stream` are the way in from a page; `models` names the desk's models."""

    def __init__(self, settings: Settings) -> None:
        self._runner = Runner()
        self._opened = AsyncExitStack()
        self.run, self.stream = self._runner.run, self._runner.stream
        try:
            self.desk = self.run(self._open(settings))
        except BaseException:
            self.close()
            raise

    async def _open(self, settings: Settings) -> Desk:
        """Whatever is entered later is closed earlier: the desk lets go of its turns while its store still answers."""
        records = HrRecords(settings.hr_file)
        self._opened.callback(records.close)
        self.tools = hr_tools(records)
        store = await self._opened.enter_async_context(open_store(settings.store.get_secret_value()))
        prices = read_prices(settings.prices) if settings.prices else None
        models = [open_model(url, prices=prices) for url in settings.models]
        for model in models:
            self._opened.push_async_callback(model.close)
        self.models = [model.name for model in models]
        index = await self._open_handbooks(settings)
        self.handbooks = Handbooks(index)
        self._opened.push_async_callback(self.handbooks.close)
        desk = Desk(store, models, tools=self.tools, retriever=index.retriever, instructions=settings.instructions)
        return await self._opened.enter_async_context(desk)

    async def _open_handbooks(self, settings: Settings) -> HandbookIndex:
        """The handbooks, with what the settings' folder holds now; what cannot be read of it is in the log."""
        urls = {name: getattr(settings, name).get_secret_value() for name in ("embedder", "vectors", "reranker")}
        index = await self._opened.enter_async_context(open_handbooks(settings.index_file, **urls))
        report = await index.ingest(settings.handbooks, progress=_log_progress)
        log.info("handbooks in %s: %s", settings.handbooks, report.summary)
        for document in report.documents:
            if document.status in ("refused", "failed"):
                log.warning("handbook %s was %s: %s", document.document, document.status, document.reason)
        return index

    def close(self) -> None:
        """Release or interrupt the turns, then close the store, then end the loop."""
        try:
            self.run(self._opened.aclose())
        finally:
            self._runner.close()


def _log_progress(progress: Progress) -> None:
    log.debug("handbooks: %d of %d, at %s", progress.documents, progress.of_documents, progress.name)


_lock = Lock()
_app: App | None = None


def app() -> App:
    """This process's App, made by whoever comes first. Raises InvalidInput for settings that cannot be."""
    global _app
    with _lock:
        if _app is None:
            _app = App(read_settings())
        return _app


@atexit.register
def close() -> None:
    """Close this process's App, if there is one; the next `app()` makes another."""
    global _app
    with _lock:
        closing, _app = _app, None
        if closing is not None:
            closing.close()
