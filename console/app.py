"""The composition root: the one place that knows which store, model, retriever and tools this process has.

The App is made on first use and kept until the process ends. It is not in Streamlit's caches: those are empty until the
first visitor comes, and recovery must not wait for one.
"""

import asyncio
import atexit
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync as blocking

from backends.care.opening import open_care
from backends.handbooks.documents.sandbox import DocumentLimits
from backends.handbooks.ingest.ingest import Progress
from backends.handbooks.opening import open_handbooks
from backends.handbooks.service import Health
from backends.models.opening import is_priced
from backends.models.prices import read_prices
from backends.stores.opening import open_store
from console.account import this_account
from console.demo.mark import is_demo, make_demo
from console.demo.samples import CARDS, SAMPLES, count_samples, holds_own, withdraw_samples
from console.doctor.examination import examine, examine_settings
from console.doctor.finding import Finding
from console.doctor.index import examine_own
from console.doctor.store import Checkable, address, equipped, promises
from console.doctor.versions import versions
from console.keeper import DESK_KEEPER
from console.model_settings import open_models
from console.plugins import make_plugins, tools_of
from console.settings import Settings, read_settings
from console.tool_words import add_tool_words, add_tools
from console.value_settings import read_value, variable_of
from core.clock import SystemClock
from core.desk.desk import Desk
from core.desk.runner import Runner
from core.desk.system import SystemState
from core.errors import DeskClosed, InvalidInput, RolltopError, Unavailable
from core.gate import Role, Viewer
from core.limits import Limits
from core.maintenance.upgrade import upgrade
from core.options import Options
from core.question_back import ask_back
from core.server_log import reason_of
from core.store import Store

if TYPE_CHECKING:
    from console.sign_in.way import Way

log = logging.getLogger(__name__)

_PATHS = ("handbooks", "care", "prices", "index", "hr_records")
"""The settings that are paths of files or folders."""

AWAY_SECONDS = 2.0
"""Seconds between two attempts to open the desk while something does not answer."""
REFUSED_SECONDS = 30.0
"""The same while a person must act first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the handbooks can answer: whether any applies to the asker today, and whether the samples can be found."""

    handbooks: bool
    samples: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth:
    """How an installation is. `store` is its kind and address, `findings` are those that come at once.

    `promises` says in words what a store may promise, and whether this one does.
    """

    state: SystemState
    store: str
    promises: Mapping[str, bool]
    handbooks: Health
    findings: Sequence[Finding]
    versions: Mapping[str, str]


class App:
    """A desk in a loop of its own, into which `runner` is the way from a page. `models` names the desk's models,
    `priced` says of each whether its price is known.

    `metadata_fields` are those by which auditors may filter threads.
    `demo` says whether the store is a demo. `tools` are those of its `plugins`, which have names. `handover` says
    whether the desk can bring a matter to a person.

    If the desk could not be opened, `failure` is the error and only `close` may be called. The App tries again by
    itself, one attempt at a time.
    """

    handover = False

    def __init__(self) -> None:
        self.runner = Runner()
        self._opened = AsyncExitStack()
        self._retrying: asyncio.Task[None] | None = None
        self.failure: Exception | None = None
        self.run, self.stream = self.runner.run, self.runner.stream
        try:
            self.run(self._start())
        except BaseException:
            self.close()
            raise

    async def _start(self) -> None:
        await self._attempt()
        if self.failure:
            # A task of the loop itself, because `close` cancels it from another task.
            self._retrying = asyncio.get_running_loop().create_task(self._retry())

    async def _retry(self) -> None:
        while self.failure:
            await anyio.sleep(AWAY_SECONDS if isinstance(self.failure, Unavailable) else REFUSED_SECONDS)
            await self._attempt()

    async def _attempt(self) -> None:
        try:
            self.desk = await self._open(read_settings())
        except Exception as failure:  # the boundary of the opening: the pages and the log say what is wrong
            # What core raises has words for an operator; any other message may quote anything.
            why = _by_settings(str(failure)) if isinstance(failure, RolltopError) else reason_of(failure)
            log.error("the desk cannot be opened yet: %s", why)
            await self._opened.aclose()
            self.failure = failure
        else:
            self.failure = None

    async def _open(self, settings: Settings) -> Desk:
        """The desk over everything that the settings name."""
        # What is entered last is closed first: the desk releases its turns while its store still answers.
        store = await self._opened.enter_async_context(open_store(settings.store.get_secret_value()))
        self._store, self._settings = store, settings
        prices = read_prices(settings.prices) if settings.prices else None
        models = open_models(settings.models, prices)
        for model in models:
            self._opened.push_async_callback(model.close)
        self.models = [model.name for model in models]
        self.priced = {model.name: is_priced(model.name, prices=prices) for model in models}
        self.metadata_fields = settings.metadata_filters
        urls = {name: getattr(settings, name).get_secret_value() for name in ("embedder", "vectors", "reranker")}
        bounds = read_value("documents", DocumentLimits)
        opening = open_handbooks(settings.index_file, **urls, after_upload=self._withdraw_samples, limits=bounds)
        self.handbooks = await self._opened.enter_async_context(opening)
        self._catalogue = self.handbooks.index.catalogue
        self.demo = await self._is_demo(settings, store)
        self.plugins = make_plugins(settings.tools, demo=self.demo)
        self.tools = tools_of(self.plugins)
        add_tools(self.tools)
        handover = None
        for plugin in self.plugins.values():
            if plugin.close:
                self._opened.push_async_callback(plugin.close)
            add_tool_words(plugin.words)
            handover = handover or plugin.handover
        self.handover = handover is not None
        care = await blocking(open_care, settings.care or (CARDS if self.demo else None))
        await self._take_in(settings)
        desk = Desk(
            store,
            models,
            tools=[*self.tools, ask_back],
            retriever=self.handbooks.retriever,
            care=care,
            handover=handover,
            options=read_value("desk", Options),
            limits=read_value("limits", Limits),
            instructions=settings.instructions,
            erase_after=timedelta(days=settings.erase_after_days),
            looks_shown_after=timedelta(days=settings.looks_shown_after_days),
        )
        opened = await self._opened.enter_async_context(desk)
        await opened.administration.install(settings.administrators)
        if (mapping := _way().mapping) and (other := await opened.administration.map_sign_in(mapping, this_account())):
            log.warning(
                "the sign-in gives roles by other settings than those that another console has put on record at %s: if "
                "that one still runs, give both the same settings; `rolltop grants` says whose it was",
                other.since,
            )
        upgrading = asyncio.get_running_loop().create_task(_upgrade(store))
        self._opened.push_async_callback(_ended, upgrading)
        return opened

    async def _is_demo(self, settings: Settings, store: Store) -> bool:
        if settings.default_desk:
            try:
                await make_demo(store, self._catalogue)
            except InvalidInput as reason:
                log.info("this is no demo: %s", reason)
        return await is_demo(store)

    async def _take_in(self, settings: Settings) -> None:
        """Import the settings' folder, or a demo's samples; files that cannot be read are in the log."""
        folder = settings.handbooks
        if self.demo and "handbooks" not in settings.model_fields_set:
            folder = None if holds_own(await self.handbooks.documents(DESK_KEEPER)) else SAMPLES
        if folder is not None:
            report = await self.handbooks.ingest(DESK_KEEPER, folder, progress=_log_progress)
            log.info("the handbooks at the start: %s", replace(report, fault="").summary)
            if bad := sum(document.status in ("refused", "failed") for document in report.documents):
                # Names of files and reasons may be anybody's words.
                log.warning("%d handbooks could not be read: `rolltop ingest FOLDER` says which, and why", bad)
            if report.fault:
                log.warning("the vectors of the handbooks are not complete: `rolltop doctor` says why")
        await self._withdraw_samples()

    async def _withdraw_samples(self) -> None:
        if withdrawn := await withdraw_samples(self.handbooks, demo=self.demo):
            why = "there are handbooks of your own" if self.demo else "this store is no demo"
            log.warning("%d sample handbooks were withdrawn, because %s; they stay on record", withdrawn, why)

    async def handbook_titles(self) -> dict[str, str]:
        """The titles of all handbooks, removed ones too, by document id."""
        documents = await blocking(self._catalogue.documents)
        return {document.id: document.title for document in documents}

    async def offer(self, viewer: Viewer) -> Offer:
        """What the handbooks can answer for this viewer."""
        return await blocking(self._offer, viewer)

    def _offer(self, viewer: Viewer) -> Offer:
        today = self._catalogue.clock.now().date()
        return Offer(
            handbooks=bool(self._catalogue.in_force(viewer, None, today)),
            samples=self.demo and count_samples(self._catalogue.documents()).answering > 0,
        )

    async def health(self, viewer: Viewer) -> SystemHealth:
        """How this installation is, for an administrator, whose look is on record. Raises Denied for others."""
        state = await self.desk.system.state(viewer)
        documents = await self.handbooks.documents(DESK_KEEPER)
        findings = [one async for one in examine_settings(self._settings, self._store, demo=self.demo)]
        return SystemHealth(
            state=state,
            store=address(self._settings.store.get_secret_value()),
            promises=promises(state.capabilities),
            handbooks=await self.handbooks.health(DESK_KEEPER),
            findings=[*findings, *examine_own(documents)],
            versions=await versions(self._store),
        )

    async def examine(self, viewer: Viewer) -> AsyncGenerator[Finding, None]:
        """Everything that `rolltop doctor` finds, one after another, for an administrator. Raises Denied for others."""
        await self.desk.system.state(viewer)
        has = equipped(self.models, self.plugins, demo=self.demo)
        async for finding in examine(self._settings, self._store, has, handbooks=self.handbooks):
            yield finding

    async def check_ready(self) -> None:
        """Raises what a question would meet now: DeskClosed, or what the store raises. It only reads."""
        if not self.desk.started:
            raise DeskClosed
        await self._store.read("installation:desk", limit=1)
        if isinstance(self._store, Checkable):
            await blocking(self._store.check_writable)

    @property
    def idle(self) -> bool:
        """Whether all turns of this process have ended or wait for a person."""
        return self.failure is not None or self.desk.idle

    def check_open(self) -> None:
        """Raises what the newest attempt to open the desk raised, if it failed."""
        if self.failure:
            raise self.failure.with_traceback(None)  # many threads raise it: each would leave its traceback there

    async def confirm(self, viewer: Viewer, claimed: Iterable[Role]) -> None:
        """Check that the viewer still has its roles, as `Administration.confirm`. Raises as `check_open`, too."""
        # In this App's loop nobody may ask for `app()`: whoever closes the App holds its lock until the loop has ended.
        self.check_open()
        await self.desk.administration.confirm(viewer, claimed=claimed)

    def close(self) -> None:
        """Give up opening, release or interrupt the turns, then close the store, then end the loop."""
        try:
            self.run(self._close())
        finally:
            self.runner.close()

    async def _close(self) -> None:
        if self._retrying:
            self._retrying.cancel()
            await asyncio.wait([self._retrying])
        await self._opened.aclose()


def _way() -> "Way":
    """This process's way to sign in, with the settings that it was made from."""
    from console.sign_in.way import way  # here, because the development sign-in asks for this process's App

    return way()


def _by_settings(text: str) -> str:
    """The text with the names of settings in place of their paths, which may have a person's name in them."""
    try:
        settings = read_settings()
    except InvalidInput:
        return text  # then it is about the settings, and repeats no value
    paths = {str(path): name for name in _PATHS if (path := getattr(settings, name))}
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path, variable_of(paths[path]))
    return text


async def _upgrade(store: Store) -> None:
    """Fold the threads and audit logs of an older Rolltop again, while the desk already works."""

    def tell(done: int, total: int) -> None:
        if done == total or done % 500 == 0:
            log.info("logs of an older version: %d of %d folded again", done, total)

    try:
        await upgrade(store, SystemClock(), tell)
    except RolltopError as error:
        log.error("logs of an older version are not all folded again, `rolltop rebuild` does it: %s", error)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _log_progress(progress: Progress) -> None:
    log.debug("handbooks: %d of %d", progress.documents, progress.of_documents)


_lock = Lock()
_app: App | None = None


def start() -> App:
    """This process's App, made by the first caller, whether its desk could be opened or not."""
    global _app
    with _lock:
        if _app is None:
            _app = App()
        return _app


def current() -> App | None:
    """This process's App, whether its desk could be opened or not; None before `start` and from `close` on."""
    # Without the lock: whoever opens or closes the App holds it for as long as that takes.
    return _app


def app() -> App:
    """This process's App with an open desk. Raises at once what the newest attempt to open it raised, if it failed."""
    started = start()
    started.check_open()
    return started


@atexit.register
def close() -> None:
    """Close this process's App, if there is one; the next `app()` makes another."""
    global _app
    with _lock:
        closing, _app = _app, None
        if closing is not None:
            closing.close()
