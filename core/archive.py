"""The archive: what is on record, for whoever may read it.

Every method asks the gate first, and puts an auditor's look on record before it returns anything. It reads records
and never a whole log, so that the last page of a long thread costs a page.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from core.audit import record_look
from core.canonical import Json
from core.clock import Clock, SystemClock, iso
from core.entries import CallStatus, TurnStatus
from core.errors import Full, InvalidInput, StoreRefused, Unavailable
from core.fold import State
from core.gate import Action, Owned, Viewer, authorize
from core.journal import Journal
from core.log import check_id
from core.options import Options
from core.records import Item, Message, ModelCall, Retrieval, Summary, Thread, ToolCall, Totals, Turn, item
from core.store import Filter, In, Page, Query, Range, Record, Scalar, Store, every
from core.wakeups import Wakeups

log = logging.getLogger(__name__)

_PATIENCE = 2.0

T = TypeVar("T", Thread, Turn, Message, ToolCall, ModelCall, Retrieval, Summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """A page of a list. `cursor` fetches the next one; None says that this is the last."""

    items: list[T]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A turn with everything it did, each in the order it happened."""

    turn: Turn
    calls: list[ToolCall]
    model_calls: list[ModelCall]
    retrievals: list[Retrieval]
    summaries: list[Summary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The newest turns of a thread, oldest first. `earlier` is what to pass as `before` for more, None for no more."""

    thread: Thread
    turns: list[TurnView]
    earlier: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A question that the handbooks did not answer, or whose answer was rated down; not who asked it.

    `question` is None once erased. `confidence` is the judgement's on the turn's first search, None where there is
    none; `answers` its word. `titles` are those of the handbooks that the answer cites.
    """

    question: str | None
    asked_at: str
    confidence: float | None
    answers: bool | None
    rated_down: bool
    titles: list[str]


class Archive:
    """Reads of a store, through the gate. It needs no model: an auditor's program may hold one of these alone."""

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self._store = store
        self._clock: Clock = clock or SystemClock()

    async def thread(self, viewer: Viewer, thread_id: str) -> Thread:
        """The thread's head. Raises NotFound for a foreign thread and for none alike."""
        return await self._thread(viewer, "thread.read", thread_id)

    async def transcript(self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None) -> Transcript:
        """The `last` turns (1 to 100) before entry `before`, None for the newest. One look for all of it."""
        thread = await self._thread(viewer, "thread.read", thread_id)
        where: dict[str, Filter] = {"thread": thread_id}
        if before is not None:
            where["first_n"] = Range(lt=before)
        page = await self._find("turn", Turn, where, order=("-first_n",), limit=_limit(last, 100))
        turns = page.items[::-1]
        views = await self._views(turns)
        return Transcript(thread=thread, turns=views, earlier=turns[0].first_n if page.cursor else None)

    async def turn_view(self, viewer: Viewer, turn_id: str) -> TurnView:
        """The turn with everything it did. Raises NotFound."""
        return (await self._views([await self._turn(viewer, "thread.read", turn_id)]))[0]

    async def messages(
        self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None
    ) -> list[Message]:
        """The `last` messages (1 to 500) with `at_n` below `before`, None for the newest; oldest first."""
        await self._thread(viewer, "thread.read", thread_id)
        where: dict[str, Filter] = {"thread": thread_id}
        if before is not None:
            where["at_n"] = Range(lt=before)
        return (await self._find("message", Message, where, order=("-at_n",), limit=_limit(last, 500))).items[::-1]

    async def tool_calls(self, viewer: Viewer, thread_id: str) -> list[ToolCall]:
        """Every tool call of the thread, in order."""
        await self._thread(viewer, "thread.read", thread_id)
        return await self._all("tool_call", ToolCall, {"thread": thread_id})

    async def model_calls(self, viewer: Viewer, thread_id: str) -> list[ModelCall]:
        """Every physical request of the thread to a model, failed ones too, in order."""
        await self._thread(viewer, "thread.read", thread_id)
        return await self._all("model_call", ModelCall, {"thread": thread_id})

    async def usage(self, viewer: Viewer, thread_id: str) -> Totals:
        """What the thread has used so far; see `Totals` for what is not known."""
        return (await self._thread(viewer, "thread.read", thread_id)).totals

    async def turn(self, viewer: Viewer, turn_id: str) -> Turn:
        """The turn as of now. Raises NotFound."""
        return await self._turn(viewer, "thread.read", turn_id)

    async def call(self, viewer: Viewer, call_id: str) -> ToolCall:
        """One tool call. An approver may open those that wait for their role. Raises NotFound."""
        return await self._call(viewer, "call.read", call_id)

    async def threads(
        self,
        viewer: Viewer,
        words: str = "",
        metadata: Mapping[str, Scalar] | None = None,
        limit: int = 30,
        cursor: str | None = None,
    ) -> Listing[Thread]:
        """The viewer's own threads, newest activity first; with `words`, those with a message that has them all.

        `metadata` finds threads whose metadata has these values, by field (`a.b` for a field within a field); it and
        `words` are not given together.
        """
        authorize(viewer, "thread.list")
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
    ) -> Listing[Thread]:
        """Anybody's threads, for an auditor, newest activity first; None leaves a filter out.

        `status` is that of a thread's newest turn, and it last changed at `since` or later, before `until`. With
        `words` all three are of a message that has them all; a thread may then come again on a later page.
        """
        filters = _given(owner=owner, status=status)
        said = {**filters, **_given(since=_iso(since), until=_iso(until))}
        await self._search(viewer, "audit.search", words, {**said, **_metadata(metadata)})
        if since or until:
            filters["at" if words else "updated_at"] = _between(since, until)
        return await self._threads(filters, metadata, words, limit, cursor)

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
        """Anybody's tool calls, for an auditor, newest first, planned at `since` or later, before `until`.

        None leaves a filter out.
        """
        filters = _given(tool=tool, status=status, owner=owner)
        said = {**filters, **_given(since=_iso(since), until=_iso(until))}
        await self._search(viewer, "audit.search", "", said)
        if since or until:
            filters["planned_at"] = _between(since, until)
        return await self._find("tool_call", ToolCall, filters, order=("-planned_at",), limit=limit, cursor=cursor)

    async def waiting_calls(self, viewer: Viewer, limit: int = 50, cursor: str | None = None) -> Listing[ToolCall]:
        """Calls that wait for an approver's word, oldest first, the viewer's own left out."""
        filters: dict[str, Filter] = {"status": "awaiting_approval", "approval": "approver"}
        await self._search(viewer, "call.read", "", {})
        page = await self._find("tool_call", ToolCall, filters, order=("planned_at",), limit=limit, cursor=cursor)
        return Listing(items=[call for call in page.items if call.owner != viewer.id], cursor=page.cursor)

    async def gaps(self, viewer: Viewer, limit: int = 50) -> list[Gap]:
        """The newest questions that found nothing and answers that were rated down, `limit` of each at most.

        For who keeps the handbooks, newest first; the look is on record.
        """
        await self._search(viewer, "gaps.list", "", {})
        unanswered = await self._find(
            "retrieval", Retrieval, {"answers": False}, order=("-at",), limit=limit, cursor=None
        )
        rated = await self._find("turn", Turn, {"rating": "down"}, order=("-opened_at",), limit=limit, cursor=None)
        ids = tuple({retrieval.turn for retrieval in unanswered.items} | {turn.id for turn in rated.items})
        if not ids:
            return []
        turns = await self._all("turn", Turn, {"id": In(ids)})
        searches = await self._all("retrieval", Retrieval, {"turn": In(ids)})
        return [_gap(turn, searches) for turn in sorted(turns, key=lambda turn: turn.opened_at, reverse=True)]

    async def _views(self, turns: list[Turn]) -> list[TurnView]:
        of_turns: dict[str, Filter] = {"turn": In(tuple(turn.id for turn in turns))}
        calls = await self._all("tool_call", ToolCall, of_turns)
        model_calls = await self._all("model_call", ModelCall, of_turns)
        retrievals = await self._all("retrieval", Retrieval, of_turns)
        summaries = await self._all("summary", Summary, of_turns)
        return [
            TurnView(
                turn=turn,
                calls=[call for call in calls if call.turn == turn.id],
                model_calls=[call for call in model_calls if call.turn == turn.id],
                retrievals=[retrieval for retrieval in retrievals if retrieval.turn == turn.id],
                summaries=[summary for summary in summaries if summary.turn == turn.id],
            )
            for turn in turns
        ]

    async def _thread(self, viewer: Viewer | None, action: Action, id: str) -> Thread:
        thread = await self._get("thread", Thread, id)
        await self._pass(viewer, action, Owned(kind="thread", id=str(id), owner=thread.owner if thread else None))
        assert thread
        return thread

    async def _turn(self, viewer: Viewer | None, action: Action, id: str) -> Turn:
        turn = await self._get("turn", Turn, id)
        await self._pass(viewer, action, Owned(kind="turn", id=str(id), owner=turn.owner if turn else None))
        assert turn
        return turn

    async def _call(self, viewer: Viewer | None, action: Action, id: str) -> ToolCall:
        call = await self._get("tool_call", ToolCall, id)
        waits = call is not None and (call.status == "awaiting_approval" or action == "call.decide")
        decided = call is not None and call.decision is not None and viewer and call.decision.by == viewer.id
        owned = Owned(
            kind="call",
            id=str(id),
            owner=call.owner if call else None,
            decider=call.approval if call and (waits or decided) else None,
        )
        await self._pass(viewer, action, owned)
        assert call
        return call

    async def _pass(self, viewer: Viewer | None, action: Action, object: Owned) -> None:
        """Through the gate, with the look on record where one is due."""
        if authorize(viewer, action, object) == "look":
            assert viewer
            await record_look(self._store, self._clock, viewer, action, object)

    async def _search(self, viewer: Viewer, action: Action, words: str, filters: Mapping[str, Json]) -> None:
        authorize(viewer, action)
        await record_look(self._store, self._clock, viewer, action, words=words, filters=filters)

    async def _get(self, kind: str, type: type[T], id: object) -> T | None:
        """The record; None for an id that is no id too, so that a probing caller learns nothing from its form."""
        try:
            found = await self._store.get(kind, check_id(id))
        except InvalidInput:
            return None
        if found is None:
            return None
        head = found if kind == "thread" else await self._store.get("thread", found.fields["thread"])
        state = await self._caught_up(head) if head else State()
        newest = state.thread if kind == "thread" else state.items.get(found.id)
        return _as(type, newest or item(found))

    async def _caught_up(self, head: Record) -> State:
        """The thread as its log has it past its head, and nothing where nothing is; records that lag are written.

        What is on record counts, and a follower may have seen it already: another process, or one that died since, may
        not have come to the records yet.
        """
        if not await self._store.read(f"thread:{head.id}", head.n, limit=1):
            return State()
        journal = Journal(self._store, self._clock, Wakeups(), head.id, Options(), patience=_PATIENCE)
        await journal.load()
        try:
            await journal.repair()
        except (Full, StoreRefused, Unavailable):
            # A full disk, or a right to read alone, must not fail a read.
            log.exception("thread %s: its records lag behind its log", head.id)
        return journal.state

    async def _threads(
        self,
        filters: Mapping[str, Filter],
        metadata: Mapping[str, Scalar] | None,
        words: str,
        limit: int,
        cursor: str | None,
    ) -> Listing[Thread]:
        if not words.strip():
            where = {**filters, **_metadata(metadata)}
            return await self._find("thread", Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)
        if metadata:
            raise InvalidInput("search by words or by metadata, not by both: words are found in messages")
        said = await self._find("message", Message, filters, words=words, order=("-at",), limit=limit, cursor=cursor)
        ids = list(dict.fromkeys(message.thread for message in said.items))
        threads = {t.id: t for t in await self._all("thread", Thread, {"id": In(tuple(ids))})}
        return Listing(items=[threads[id] for id in ids if id in threads], cursor=said.cursor)

    async def _find(
        self,
        kind: str,
        type: type[T],
        where: Mapping[str, Filter],
        *,
        words: str = "",
        order: tuple[str, ...] = (),
        limit: int = 500,
        cursor: str | None = None,
    ) -> Listing[T]:
        query = Query(kind=kind, where=where, words=words, order=order, limit=_limit(limit, 500), cursor=cursor)
        page: Page = await self._store.find(query)
        return Listing(items=[_as(type, item(record)) for record in page.records], cursor=page.cursor)

    async def _all(self, kind: str, type: type[T], where: Mapping[str, Filter]) -> list[T]:
        """Every match, in the order of the log."""
        found = [_as(type, item(record)) async for record in every(self._store, Query(kind=kind, where=where))]
        return sorted(found, key=_place)


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


def _as(type: type[T], read: Item) -> T:
    assert isinstance(read, type)
    return read


def _place(read: Item) -> tuple[int, int]:
    """Where an item stands in its thread's log; the calls of one answer stand in one entry."""
    return getattr(read, "at_n", read.n), getattr(read, "number", 0)


def _limit(limit: object, most: int) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= most:
        raise InvalidInput(f"a limit is a number from 1 to {most}")
    return limit


def _given(**filters: str | None) -> dict[str, Filter]:
    return {name: value for name, value in filters.items() if value is not None}


def _metadata(metadata: Mapping[str, Scalar] | None) -> dict[str, Scalar]:
    return {f"metadata.{name}": value for name, value in (metadata or {}).items()}


def _between(since: datetime | None, until: datetime | None) -> Range:
    return Range(ge=_iso(since), lt=_iso(until))


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
