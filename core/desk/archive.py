"""The archive: all that is on record, for the viewers that may read it.

It reads records and never a whole log, so that a page of a long thread costs as much as a page of a short one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from core.canonical import Json
from core.clock import Clock, SystemClock, iso
from core.desk.checked_records import CheckedRecords
from core.errors import InvalidInput
from core.gate import Action, Viewer
from core.log.audit import AuditLog
from core.log.records import (
    HandoverRecord,
    Item,
    Look,
    Message,
    ModelCall,
    Retrieval,
    Summary,
    Thread,
    ToolCall,
    Totals,
    Turn,
    item_of,
    record_kind,
)
from core.store import Filter, In, Page, Query, Range, Scalar, Store, every
from core.values import CallStatus, TurnStatus

T = TypeVar("T", Thread, Turn, Message, ToolCall, ModelCall, Retrieval, Summary, HandoverRecord, Look)
P = TypeVar("P", Message, ToolCall, Retrieval, Turn)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedThread:
    """What an auditor sees of a sealed thread: its id, and the time of its last activity."""

    id: str
    updated_at: str


L = TypeVar("L", bound=Item | Look | SealedThread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[L]):
    """A page of a list. `cursor` fetches the next page; it is None on the last page."""

    items: list[L]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A turn with its tool calls, model calls, searches, summaries and hand-overs, each in the order of the log."""

    turn: Turn
    calls: list[ToolCall]
    model_calls: list[ModelCall]
    retrievals: list[Retrieval]
    summaries: list[Summary]
    handovers: list[HandoverRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The newest turns of a thread, oldest first. Pass `earlier` as `before` for older turns; None if these are all."""

    thread: Thread
    turns: list[TurnView]
    earlier: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A question that the handbooks did not answer, or whose answer was rated down; the asker stays unnamed.

    `question` is None once erased. `confidence` and `answers` are the judgement of the turn's first search, None
    without a search or a judgement. `titles` are those of the handbooks that the answer cites, sorted.
    """

    question: str | None
    asked_at: str
    confidence: float | None
    answers: bool | None
    rated_down: bool
    titles: list[str]


class Archive:
    """Reads a store, for a viewer.

    Each method checks the viewer at the gate. If the viewer is not the owner, the look goes on record before content is
    returned: Unavailable or StoreRefused if that failed. An auditor's program can use an Archive without a Desk.
    """

    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        self._store = store
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._checked = CheckedRecords(store, self._clock, self._audit)

    async def thread(self, viewer: Viewer, thread_id: str) -> Thread:
        """The thread's head. Raises NotFound if it does not exist or the viewer may not see it."""
        return await self._checked.thread(viewer, "thread.read", thread_id)

    async def transcript(self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None) -> Transcript:
        """The `last` turns (1 to 100) that began before entry `before`, None for the newest. It counts as one look."""
        thread = await self._checked.thread(viewer, "thread.read", thread_id)
        # Only what the head holds that was checked: a turn that has sealed the thread since is not shown.
        where: dict[str, Filter] = {"thread": thread_id, "first_n": _up_to(before, thread.n + 1)}
        page = await self._find(Turn, where, order=("-first_n",), limit=_limit(last, 100))
        turns = page.items[::-1]
        views = await self._views(turns)
        return Transcript(thread=thread, turns=views, earlier=turns[0].first_n if page.cursor else None)

    async def turn_view(self, viewer: Viewer, turn_id: str) -> TurnView:
        """The turn with its calls, searches, summaries and hand-overs. Raises NotFound."""
        return (await self._views([await self._checked.turn(viewer, "thread.read", turn_id)]))[0]

    async def messages(
        self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None
    ) -> list[Message]:
        """The `last` messages (1 to 500) with `at_n` below `before`, None for the newest; oldest first."""
        thread = await self._checked.thread(viewer, "thread.read", thread_id)
        # As in `transcript`; an entry has two messages.
        where: dict[str, Filter] = {"thread": thread_id, "at_n": _up_to(before, 2 * (thread.n + 1))}
        return (await self._find(Message, where, order=("-at_n",), limit=_limit(last, 500))).items[::-1]

    async def tool_calls(self, viewer: Viewer, thread_id: str) -> list[ToolCall]:
        """All tool calls of the thread, in the order of the log."""
        thread = await self._checked.thread(viewer, "thread.read", thread_id)
        return await self._all(ToolCall, {"thread": thread_id, "at_n": Range(lt=thread.n + 1)})

    async def model_calls(self, viewer: Viewer, thread_id: str) -> list[ModelCall]:
        """All physical requests of the thread to models, failed ones too, in the order of the log."""
        thread = await self._checked.thread(viewer, "thread.read", thread_id)
        return await self._all(ModelCall, {"thread": thread_id, "at_n": Range(lt=thread.n + 1)})

    async def usage(self, viewer: Viewer, thread_id: str) -> Totals:
        """The tokens, calls and costs of the thread so far; `Totals` counts the unknown ones."""
        return (await self._checked.thread(viewer, "thread.read", thread_id)).totals

    async def turn(self, viewer: Viewer, turn_id: str) -> Turn:
        """The turn as it is now. Raises NotFound."""
        return await self._checked.turn(viewer, "thread.read", turn_id)

    async def call(self, viewer: Viewer, call_id: str) -> ToolCall:
        """One tool call. An approver may open the calls that wait for an approver. Raises NotFound."""
        return await self._checked.call(viewer, "call.read", call_id)

    async def threads(
        self,
        viewer: Viewer,
        words: str = "",
        metadata: Mapping[str, Scalar] | None = None,
        limit: int = 30,
        cursor: str | None = None,
    ) -> Listing[Thread]:
        """The viewer's own threads, newest activity first; with `words`, those with a message that has all the words.

        `metadata` maps fields (`a.b` for a field within a field) to the values that the thread's metadata must have.
        Raises InvalidInput for `words` and `metadata` together.
        """
        await self._audit.authorize(viewer, "thread.list")
        return await self._threads({"owner": viewer.id}, metadata, words, limit, cursor)

    async def search_threads(
        self,
        viewer: Viewer,
        *,
        words: str = "",
        metadata: Mapping[str, Scalar] | None = None,
        owner: str | None = None,
        status: TurnStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[Thread | SealedThread]:
        """The threads of all owners, for an auditor, newest activity first; a filter of None is left out.

        Without a filter, or with times alone, sealed threads are among them; any other filter leaves them out.

        `status` is that of the newest turn; the last activity is at `since` or later and before `until`. With `words`,
        status and times are those of a message that has all the words; a thread may then come again on a later page.
        """
        filters = _present(owner=owner, status=status)
        recorded = {**filters, **_present(since=_iso(since), until=_iso(until)), **_metadata(metadata)}
        await self._search(viewer, "audit.search", words, recorded)
        narrowed = bool(filters or metadata)
        if since or until:
            filters["at" if words else "updated_at"] = _between(since, until)
        if words.strip():
            found = await self._threads(filters, metadata, words, limit, cursor, sealed=False)
            return Listing(items=list(found.items), cursor=found.cursor)
        # A filter that a sealed thread could pass would tell what is in it.
        page = await self._threads(filters | ({"sealed": None} if narrowed else {}), metadata, "", limit, cursor)
        threads: list[Thread | SealedThread] = [
            SealedThread(id=one.id, updated_at=one.updated_at) if one.sealed else one for one in page.items
        ]
        return Listing(items=threads, cursor=page.cursor)

    async def sealed_threads(
        self,
        viewer: Viewer,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[Thread]:
        """The sealed threads of all owners, for a handler, newest activity first: at `since` or later, before `until`.

        A time of None is left out.
        """
        await self._search(viewer, "sealed.list", "", _present(since=_iso(since), until=_iso(until)))
        filters: dict[str, Filter] = {"sealed": True}
        if since or until:
            filters["updated_at"] = _between(since, until)
        return await self._threads(filters, None, "", limit, cursor)

    async def search_calls(
        self,
        viewer: Viewer,
        *,
        tool: str | None = None,
        status: CallStatus | None = None,
        owner: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[ToolCall]:
        """The tool calls of all owners, for an auditor, newest first, planned at `since` or later and before `until`.

        A filter of None is left out, and so are the calls of sealed threads.
        """
        filters = _present(tool=tool, status=status, owner=owner)
        recorded = {**filters, **_present(since=_iso(since), until=_iso(until))}
        await self._search(viewer, "audit.search", "", recorded)
        if since or until:
            filters["planned_at"] = _between(since, until)
        return await self._unsealed(ToolCall, filters, order=("-planned_at",), limit=limit, cursor=cursor)

    async def waiting_calls(self, viewer: Viewer, limit: int = 50, cursor: str | None = None) -> Listing[ToolCall]:
        """The calls that wait for an approver, oldest first. A page leaves out the viewer's own, so it may be short."""
        filters: dict[str, Filter] = {"status": "awaiting_approval", "approval": "approver"}
        await self._search(viewer, "call.read", "", {})
        page = await self._find(ToolCall, filters, order=("planned_at",), limit=limit, cursor=cursor)
        return Listing(items=[call for call in page.items if call.owner != viewer.id], cursor=page.cursor)

    async def gaps(self, viewer: Viewer, limit: int = 50) -> list[Gap]:
        """The newest questions without an answer and answers rated down, newest first, at most `limit` of each.

        For knowledge owners; the look is on record. Questions of people in need, and of sealed threads, are left out.
        """
        await self._search(viewer, "gaps.list", "", {})
        unanswered = await self._unsealed(Retrieval, {"answers": False}, order=("-at",), limit=limit)
        rated = await self._unsealed(Turn, {"rating": "down"}, order=("-opened_at",), limit=limit)
        # The turns are asked for by id: their own filters cannot combine "unanswered" with "rated down".
        ids = tuple({retrieval.turn for retrieval in unanswered.items} | {turn.id for turn in rated.items})
        if not ids:
            return []
        turns = [turn for turn in await self._all(Turn, {"id": In(ids)}) if turn.concern is None]
        searches = await self._all(Retrieval, {"turn": In(ids)})
        return [_gap(turn, searches) for turn in sorted(turns, key=lambda turn: turn.opened_at, reverse=True)]

    async def looks(
        self,
        viewer: Viewer,
        *,
        by: str | None = None,
        actions: Collection[str] = (),
        denied: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        owner: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[Look]:
        """The audit log, newest first: what was looked at, exported and denied at `since` or later and before `until`.

        A data protection officer sees the entries of all viewers, and this look is on record. An auditor, a handler and
        an approver see their own: InvalidInput if `by` names another viewer, or if they filter by `owner`.

        `actions` () means all; `denied` None means denials too. `owner` is a person whose content was shown.
        """
        actions = tuple(sorted(actions))
        filters = _present(by=by, owner=owner)
        if await self._audit.authorize(viewer, "audit.list") == "own":
            # Their own looks at one person would tell them which pseudonym is that person's.
            if owner is not None or by not in (None, viewer.id):
                raise InvalidInput(
                    "only a data protection officer sees other people's looks, or those about one person"
                )
            filters["by"] = viewer.id
        else:
            recorded: dict[str, Json] = {**filters, **_present(since=_iso(since), until=_iso(until))}
            recorded |= {"actions": list(actions)} if actions else {}
            recorded |= {"denied": denied} if denied is not None else {}
            await self._audit.record(viewer, "audit.list", filters=recorded)
        if owner is not None:
            filters["owners"] = filters.pop("owner")
        if actions:
            filters["action"] = In(actions)
        if denied is not None:
            filters["denied"] = denied
        if since or until:
            filters["at"] = _between(since, until)
        return await self._find(Look, filters, order=("-at",), limit=limit, cursor=cursor)

    async def _views(self, turns: list[Turn]) -> list[TurnView]:
        of_turns: dict[str, Filter] = {"turn": In(tuple(turn.id for turn in turns))}
        calls = await self._all(ToolCall, of_turns)
        model_calls = await self._all(ModelCall, of_turns)
        retrievals = await self._all(Retrieval, of_turns)
        summaries = await self._all(Summary, of_turns)
        handovers = await self._all(HandoverRecord, of_turns)
        return [
            TurnView(
                turn=turn,
                calls=[call for call in calls if call.turn == turn.id],
                model_calls=[call for call in model_calls if call.turn == turn.id],
                retrievals=[retrieval for retrieval in retrievals if retrieval.turn == turn.id],
                summaries=[summary for summary in summaries if summary.turn == turn.id],
                handovers=[handover for handover in handovers if handover.turn == turn.id],
            )
            for turn in turns
        ]

    async def _search(self, viewer: Viewer, action: Action, words: str, filters: Mapping[str, Json]) -> None:
        await self._audit.authorize(viewer, action)
        await self._audit.record(viewer, action, words=words, filters=filters)

    async def _threads(
        self,
        filters: Mapping[str, Filter],
        metadata: Mapping[str, Scalar] | None,
        words: str,
        limit: int,
        cursor: str | None,
        *,
        sealed: bool = True,
    ) -> Listing[Thread]:
        """The threads by their filters or by words; `sealed` False leaves sealed ones out of a search by words."""
        if not words.strip():
            where = {**filters, **_metadata(metadata)}
            return await self._find(Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)
        if metadata:
            raise InvalidInput(
                "search by words or by metadata, not by both: words are searched in messages, which have no metadata"
            )
        find = self._find if sealed else self._unsealed
        page = await find(Message, filters, words=words, order=("-at",), limit=limit, cursor=cursor)
        ids = list(dict.fromkeys(message.thread for message in page.items))
        heads = await self._all(Thread, {"id": In(tuple(ids))})
        # Asked again: a thread may have been sealed since its messages were found.
        threads = {thread.id: thread for thread in heads if sealed or not thread.sealed}
        return Listing(items=[threads[thread_id] for thread_id in ids if thread_id in threads], cursor=page.cursor)

    async def _unsealed(
        self,
        item_type: type[P],
        where: Mapping[str, Filter],
        *,
        words: str = "",
        order: tuple[str, ...] = (),
        limit: int = 500,
        cursor: str | None = None,
    ) -> Listing[P]:
        """As `_find`, without what belongs to sealed threads."""
        kept: list[P] = []
        query = partial(self._find, item_type, where, words=words, order=order)
        limit = _limit(limit, 500)
        while len(kept) < limit:
            page = await query(limit=limit - len(kept), cursor=cursor)
            kept += await self._outside_seals(page.items)
            cursor = page.cursor
            if cursor is None:
                return Listing(items=kept, cursor=None)
        # A cursor that leads to nothing but sealed threads would tell that one of them has matched.
        ahead = cursor
        while ahead is not None:
            page = await query(limit=limit, cursor=ahead)
            if await self._outside_seals(page.items):
                return Listing(items=kept, cursor=cursor)
            ahead = page.cursor
        return Listing(items=kept, cursor=None)

    async def _outside_seals(self, items: Sequence[P]) -> list[P]:
        """Those of the items whose threads are not sealed."""
        # The heads are asked: a record that is older than its thread's seal does not hold it.
        threads = tuple({one.thread for one in items})
        sealed = {head.id for head in await self._all(Thread, {"id": In(threads), "sealed": True})} if threads else ()
        return [one for one in items if one.thread not in sealed]

    async def _find(
        self,
        item_type: type[T],
        where: Mapping[str, Filter],
        *,
        words: str = "",
        order: tuple[str, ...] = (),
        limit: int = 500,
        cursor: str | None = None,
    ) -> Listing[T]:
        query = Query(
            kind=record_kind(item_type), where=where, words=words, order=order, limit=_limit(limit, 500), cursor=cursor
        )
        page: Page = await self._store.find(query)
        return Listing(items=[item_of(item_type, record) for record in page.records], cursor=page.cursor)

    async def _all(self, item_type: type[T], where: Mapping[str, Filter]) -> list[T]:
        """All matches, in the order of the log."""
        query = Query(kind=record_kind(item_type), where=where)
        return sorted([item_of(item_type, record) async for record in every(self._store, query)], key=_place)


def _gap(turn: Turn, searches: list[Retrieval]) -> Gap:
    first = next((search for search in searches if search.turn == turn.id), None)
    return Gap(
        question=turn.question,
        asked_at=turn.opened_at,
        confidence=first.judgement.confidence if first and first.judgement else None,
        answers=first.answers if first else None,
        rated_down=turn.rating == "down",
        titles=sorted({citation.passage.title for citation in turn.citations}),
    )


def _place(item: Item | Look) -> tuple[int, int]:
    """An item's place in its thread's log; the calls of one answer share an entry and are ordered by number."""
    return getattr(item, "at_n", item.n), getattr(item, "number", 0)


def _limit(limit: object, most: int) -> int:
    # A limit may come from a URL or a command line; True would count as 1.
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most:
        raise InvalidInput(f"the limit must be a number from 1 to {most}")
    return limit


def _up_to(before: int | None, end: int) -> Range:
    """Numbers below `before`, None for all, and below `end`."""
    return Range(lt=end if before is None else min(before, end))


def _present(**filters: str | None) -> dict[str, Filter]:
    return {name: value for name, value in filters.items() if value is not None}


def _metadata(metadata: Mapping[str, Scalar] | None) -> dict[str, Scalar]:
    return {f"metadata.{name}": value for name, value in (metadata or {}).items()}


def _between(since: datetime | None, until: datetime | None) -> Range:
    return Range(ge=_iso(since), lt=_iso(until))


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
