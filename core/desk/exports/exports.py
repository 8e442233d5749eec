"""Exports of threads and tool calls: for auditors a ZIP with the file and a manifest, for a thread's owner the file.

An auditor's export is on record, with the people whose content it holds and the digest of its manifest, before its
bytes are returned. Sealed threads are left out of it, and people are named by their pseudonyms. The owner's own export
holds all that they may see, under their own name, and is not a look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TypeAlias

from core.arguments import checked, checked_methods
from core.canonical import Json
from core.clock import Clock, SystemClock, iso, moment
from core.desk.checked_records import CheckedRecords
from core.desk.checks import check_store
from core.desk.exports.contents import Contents, ExportFormat, WholeThread
from core.desk.exports.document import html_document
from core.desk.exports.lines import json_lines
from core.desk.exports.package import MANIFEST, ChainHead, Manifest, describe, pack, sha256
from core.desk.exports.tables import call_table, turn_table
from core.desk.filters import CallFilter, ThreadFilter, person_named
from core.desk.lists import MAX_PAGE, Lists
from core.desk.oversight import Finder, ThreadRow
from core.desk.reviews import Reviews
from core.desk.tallies import size
from core.desk.turn_views import TurnView, TurnViews
from core.errors import Corrupt, InvalidInput, NotFound
from core.gate import Action, Owned, Viewer
from core.log.audit import AuditLog
from core.log.pseudonyms import Pseudonyms
from core.log.records import Thread, ToolCall, Turn
from core.store import Filter, In, Query, Range, Store

MAX_THREADS = 50
"""The most threads of an export, and the most whose tool calls are in one."""

MAX_ROWS = 5000
"""The most turns or tool calls of an export."""

TOO_MANY_THREADS = (
    f"an export of more than {MAX_THREADS} threads needs a second person, which this version cannot ask yet: "
    "narrow the filter"
)
TOO_MANY_ROWS = f"an export holds at most {MAX_ROWS:,} turns or tool calls: narrow the filter"
NEVER_IN_OWN = "what auditors have noted about answers"
TOO_MANY_OWN = f"an export holds at most {MAX_THREADS} threads and {MAX_ROWS:,} questions: export threads one by one"


_TOGETHER = 100
"""Turns that are read together."""

Wanted: TypeAlias = ThreadFilter | CallFilter | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much an export would hold; `rows` are turns, or tool calls.

    `refusal` says why it cannot be exported and what to do, None if it can. The figures are then not complete: counting
    ends at the first one above the limits.
    """

    threads: int
    people: int
    rows: int
    refusal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export as a ZIP file; the viewer's own export is the file alone. `name` is a name for it."""

    name: str
    content: bytes
    manifest: Manifest


@checked_methods
class Exports:
    """Exports what auditors may read, and what is a viewer's own. A program can use it without a Desk.

    Each method but `export_own` raises Denied if the viewer is not an auditor, InvalidInput if the purpose is missing,
    and Unavailable or StoreRefused if the look could not be put on record. Handlers cannot export: the threads they
    read are sealed.
    """

    @checked("store")
    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._store = check_store(store)
        self._lists = Lists(store)
        self._checked = CheckedRecords(store, self._clock, self._audit)
        self._pseudonyms = Pseudonyms(store, self._clock)
        self._views = TurnViews(self._pseudonyms, Reviews(store, self._clock, self._checked, self._pseudonyms))
        self._finder = Finder(self._lists, self._pseudonyms)

    async def measure_threads(self, viewer: Viewer, wanted: ThreadFilter) -> Extent:
        """How much an export of these threads would hold. It is on record as a search."""
        await self._search(viewer, wanted)
        return _extent_of_threads(await self._found_threads(viewer, wanted))

    async def measure_calls(self, viewer: Viewer, wanted: CallFilter) -> Extent:
        """How much an export of these tool calls would hold. It is on record as a search."""
        await self._search(viewer, wanted)
        return _extent_of_calls(await self._found_calls(viewer, wanted))

    async def export_threads(
        self, viewer: Viewer, wanted: ThreadFilter | Sequence[str], file_format: ExportFormat
    ) -> Export:
        """The threads that the filter finds, or those of these ids, with all their turns, each as it is now.

        Raises NotFound for an id that is missing, foreign or sealed. Raises InvalidInput for more than MAX_THREADS
        threads or MAX_ROWS turns: then only their heads have been read, and the attempt is on record as a search.
        """
        await self._authorize(viewer, wanted)
        if isinstance(wanted, ThreadFilter):
            ids = [head.id for head in await self._found_threads(viewer, wanted)]
        else:
            ids = list(dict.fromkeys(wanted))
        await self._refuse(viewer, wanted, _refusal(len(ids), 0))
        heads = await self._open_heads(viewer, ids, named=not isinstance(wanted, ThreadFilter))
        await self._refuse(viewer, wanted, _extent_of_threads(heads).refusal)
        threads = [await self._whole(viewer, head, named=False) for head in heads]
        return await self._exported(viewer, wanted, file_format, heads, Contents(kind="threads", threads=threads))

    async def export_calls(
        self, viewer: Viewer, wanted: CallFilter | Sequence[str], file_format: ExportFormat
    ) -> Export:
        """The tool calls that the filter finds, or those of these ids, each as it is now.

        Raises NotFound as `export_threads`, and InvalidInput for calls of more than MAX_THREADS threads, for more than
        MAX_ROWS calls, and for more than MAX_THREADS ids.
        """
        await self._authorize(viewer, wanted)
        where: Mapping[str, Filter]
        if isinstance(wanted, CallFilter):
            found, where = await self._found_calls(viewer, wanted), wanted.where()
        else:
            ids = tuple(dict.fromkeys(wanted))
            await self._refuse(viewer, wanted, _refusal(len(ids), 0))
            found, where = await self._named_calls(viewer, ids), {"id": In(ids)}
        await self._refuse(viewer, wanted, _extent_of_calls(found).refusal)
        threads = dict.fromkeys(call.thread for call in found)
        heads = await self._open_heads(viewer, threads, named=not isinstance(wanted, CallFilter))
        calls = [
            await self._pseudonyms.hide(call)
            for head in heads
            for call in await self._lists.all(ToolCall, {**where, "thread": head.id, "at_n": _up_to(head)})
        ]
        return await self._exported(viewer, wanted, file_format, heads, Contents(kind="calls", calls=calls))

    async def export_own(self, viewer: Viewer, threads: Sequence[str] | None, file_format: ExportFormat) -> Export:
        """The viewer's own threads of these ids, or all of them for None, sealed ones too, newest activity first.

        All versions of their questions are in it, and auditors' verdicts are not. If there are more threads than fit,
        None exports the newest, and the manifest says how many are left out. Raises Denied for None if the viewer is
        not an employee, NotFound for an id that is missing or another person's, and InvalidInput for more ids than fit.
        """
        left_out = [NEVER_IN_OWN]
        if threads is None:
            await self._audit.authorize(viewer, "person.read")
            own: dict[str, Filter] = {"owner": viewer.id}
            newest = (await self._lists.page(Thread, own, order=("-updated_at",), limit=MAX_THREADS)).items
            rows = accumulate(head.turns for head in newest)
            threads = [head.id for head, upto in zip(newest, rows, strict=True) if upto <= MAX_ROWS]
            if older := size(await self._store.tally(Query(kind="thread", where=own), ())) - len(threads):
                left_out.append(f"older threads, which can be exported one by one: {older}")
        ids = list(dict.fromkeys(threads))
        if len(ids) > MAX_THREADS:
            raise InvalidInput(TOO_MANY_OWN)
        heads = await self._open_heads(viewer, ids, named=True, own=True)
        if _extent_of_threads(heads).refusal:
            raise InvalidInput(TOO_MANY_OWN)
        whole = [await self._whole(viewer, head, named=True) for head in heads]
        contents = Contents(kind="threads", threads=[_for_owner(thread) for thread in whole])
        manifest = self._manifest(viewer, file_format, heads, contents).model_copy(
            update={"left_out": "; ".join(left_out)}
        )
        name = f"rolltop-my-threads-{moment(manifest.exported_at):%Y%m%dT%H%M%SZ}.{file_format}"
        return Export(name=name, content=_written(contents, manifest), manifest=manifest)

    async def conversation(self, viewer: Viewer, thread_id: str) -> WholeThread:
        """The viewer's own thread with the turns that are shown, for the formats of `core.desk.transcripts`.

        Raises NotFound for a thread that is missing or another person's, and Corrupt for one that cannot be read whole.
        """
        (head,) = await self._open_heads(viewer, [thread_id], named=True, own=True)
        whole = _for_owner(await self._whole(viewer, head, named=True))
        return replace(whole, turns=[view for view in whole.turns if whole.shows(view)])

    async def _authorize(self, viewer: Viewer, wanted: Wanted) -> None:
        await self._audit.authorize(viewer, "export")
        if _person(wanted):
            await self._audit.authorize(viewer, "person.search")

    async def _refuse(self, viewer: Viewer, wanted: Wanted, refusal: str | None) -> None:
        """Raise InvalidInput if there is a refusal, after the attempt is on record as a search."""
        if refusal:
            await self._search(viewer, wanted)
            raise InvalidInput(refusal)

    async def _search(self, viewer: Viewer, wanted: Wanted) -> None:
        await self._authorize(viewer, wanted)
        owned = _person(wanted)
        action: Action = "person.search" if owned else "audit.search"
        await self._audit.record(viewer, action, owned, words=_words(wanted), filters=_recorded(wanted))

    async def _found_threads(self, viewer: Viewer, wanted: ThreadFilter) -> list[Thread]:
        """The heads that the filter finds, at most one more than an export may hold."""
        heads: dict[str, Thread] = {}
        cursor = None
        while len(heads) <= MAX_THREADS:
            page = await self._finder.threads(viewer, wanted, MAX_THREADS + 1 - len(heads), cursor)
            # A search for words may find a thread again on a later page.
            heads |= {row.thread.id: row.thread for row in page.items if isinstance(row, ThreadRow)}
            cursor = page.cursor
            if cursor is None:
                break
        return list(heads.values())

    async def _found_calls(self, viewer: Viewer, wanted: CallFilter) -> list[ToolCall]:
        """The calls that the filter finds, until they are more than an export may hold."""
        calls: list[ToolCall] = []
        cursor = None
        while _extent_of_calls(calls).refusal is None:
            page = await self._finder.calls(viewer, wanted, MAX_PAGE, cursor)
            calls += page.items
            cursor = page.cursor
            if cursor is None:
                break
        return calls

    async def _open_heads(
        self, viewer: Viewer, threads: Iterable[str], *, named: bool, own: bool = False
    ) -> list[Thread]:
        """The heads of these threads as their logs are now, after the gate.

        A thread that the viewer may not read is left out; NotFound if the viewer has `named` it. Corrupt for one that
        cannot be read to its end. `own`: another person's thread counts as one that the viewer may not read.
        """
        heads: list[Thread] = []
        for thread in threads:
            try:
                passed = await self._checked.thread(viewer, "thread.read", thread, record=False)
                # An auditor may read a sealed one who is its owner, or a handler too. The owner's id alone makes no
                # thread their own: an auditor who is no employee any more looks at it, as at another person's.
                if not passed.named if own else passed.item.sealed:
                    raise NotFound("thread", thread)
            except NotFound:  # sealed since it was found, perhaps by an entry that its records do not hold yet
                if named:
                    await self._deny(viewer, "thread", thread, passed=[] if own else [head.id for head in heads])
                continue
            if broken := passed.unreadable:
                # A page shows the rest; an export says that it holds everything up to the head.
                raise Corrupt(broken.what, broken.n, broken.why)
            heads.append(passed.item)
        return heads

    async def _named_calls(self, viewer: Viewer, calls: Iterable[str]) -> list[ToolCall]:
        found: list[ToolCall] = []
        for call in calls:
            try:
                # As for a thread: an approver may open a waiting call of a sealed thread, and not export it.
                found.append((await self._checked.call(viewer, "thread.read", call, record=False)).item)
            except NotFound:
                await self._deny(viewer, "call", call, passed=[one.id for one in found])
        return found

    async def _deny(self, viewer: Viewer, kind: str, name: str, *, passed: Sequence[str]) -> None:
        """Raise NotFound, once the denial is on record, and the ids before it: the error tells that these exist."""
        if passed:
            await self._search(viewer, passed)
        await self._audit.authorize(viewer, "thread.read", Owned(kind=kind, id=str(name), owner=None))

    async def _whole(self, viewer: Viewer, head: Thread, *, named: bool) -> WholeThread:
        where: dict[str, Filter] = {"thread": head.id, "first_n": _up_to(head)}
        turns: list[TurnView] = []
        cursor = None
        while True:
            page = await self._lists.page(Turn, where, order=("first_n",), limit=_TOGETHER, cursor=cursor)
            turns += await self._views.of(viewer, self._lists, page.items, named=named)
            cursor = page.cursor
            if cursor is None:
                break
        return WholeThread(head=head if named else await self._pseudonyms.hide(head), turns=turns)

    async def _exported(
        self,
        viewer: Viewer,
        wanted: Wanted,
        file_format: ExportFormat,
        heads: Sequence[Thread],
        contents: Contents,
    ) -> Export:
        """The export, once it is on record."""
        manifest = self._manifest(viewer, file_format, heads, contents).model_copy(
            update={"purpose": viewer.purpose or "", "query": await self._query(wanted)}
        )
        files = {f"{contents.kind}.{file_format}": _written(contents, manifest)}
        manifest = manifest.model_copy(update={"files": describe(files)})
        text = manifest.text()
        await self._audit.record(
            viewer,
            "export",
            _person(wanted),
            words=_words(wanted),
            filters={**_recorded(wanted), "list": contents.kind, "format": file_format},
            owners=sorted({head.owner for head in heads}),
            manifest=sha256(text),
        )
        return Export(
            name=f"rolltop-{contents.kind}-{moment(manifest.exported_at):%Y%m%dT%H%M%SZ}.zip",
            content=pack({**files, MANIFEST: text}),
            manifest=manifest,
        )

    def _manifest(
        self,
        viewer: Viewer,
        file_format: ExportFormat,
        heads: Sequence[Thread],
        contents: Contents,
    ) -> Manifest:
        """What the export holds, without its files."""
        return Manifest(
            kind=contents.kind,
            format=file_format,
            exported_at=iso(self._clock.now()),
            by=viewer.id,
            account=self._audit.account,
            purpose="",
            query={},
            threads=len(heads),
            people=len({head.owner for head in heads}),
            turns=sum(len(thread.turns) for thread in contents.threads),
            calls=len(contents.calls) + sum(len(view.calls) for view in contents.turns()),
            model_calls=sum(len(view.model_calls) for view in contents.turns()),
            files=(),
            chains=tuple(ChainHead(thread=head.id, n=head.n, hash=head.hash) for head in heads),
        )

    async def _query(self, wanted: Wanted) -> dict[str, Json]:
        """The query as the manifest holds it: the file leaves the desk, so a person is named by the pseudonym."""
        query = dict(_recorded(wanted))
        if words := _words(wanted):
            query["words"] = words
        if person := _person(wanted):
            query["person"] = await self._pseudonyms.of(person.id)
        return query


def _written(contents: Contents, manifest: Manifest) -> bytes:
    match manifest.format:
        case "csv":
            return call_table(contents) if manifest.kind == "calls" else turn_table(contents)
        case "jsonl":
            return json_lines(contents)
        case "html":
            return html_document(contents, manifest)


def _for_owner(thread: WholeThread) -> WholeThread:
    """The thread without the ids of auditors. They state what came of a call of unknown outcome."""
    return replace(thread, turns=[replace(view, calls=list(map(_unnamed, view.calls))) for view in thread.turns])


def _unnamed(call: ToolCall) -> ToolCall:
    if not isinstance(call.resolution, dict):
        return call
    return call.model_copy(update={"resolution": {**call.resolution, "by": "an auditor or a handler"}})


def _extent_of_threads(heads: Sequence[Thread]) -> Extent:
    return _extent(heads, len(heads), sum(head.turns for head in heads))


def _extent_of_calls(calls: Sequence[ToolCall]) -> Extent:
    return _extent(calls, len({call.thread for call in calls}), len(calls))


def _extent(items: Sequence[Thread | ToolCall], threads: int, rows: int) -> Extent:
    people = len({one.owner for one in items})
    return Extent(threads=threads, people=people, rows=rows, refusal=_refusal(threads, rows))


def _refusal(threads: int, rows: int) -> str | None:
    if threads > MAX_THREADS:
        return TOO_MANY_THREADS
    return TOO_MANY_ROWS if rows > MAX_ROWS else None


def _recorded(wanted: Wanted) -> dict[str, Json]:
    """The query as the audit log holds it: filters as those of a search, so that it is known again, or the ids."""
    match wanted:
        case ThreadFilter() | CallFilter():
            return wanted.recorded()
        case _:
            return {"ids": list(wanted) if len(wanted) <= MAX_THREADS else len(wanted)}


def _words(wanted: Wanted) -> str:
    return wanted.words if isinstance(wanted, ThreadFilter) else ""


def _person(wanted: Wanted) -> Owned | None:
    return person_named(wanted.owner) if isinstance(wanted, ThreadFilter | CallFilter) else None


def _up_to(head: Thread) -> Range:
    # Only what the head holds that was checked: a turn that has sealed the thread since is left out.
    return Range(lt=head.n + 1)
