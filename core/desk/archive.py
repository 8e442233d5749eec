"""The archive: all that is on record, for the viewers that may read it.

It reads records and never a whole log, so that a page of a long thread costs as much as a page of a short one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.clock import Clock, SystemClock
from core.desk.checked_records import CheckedRecords
from core.desk.lists import MAX_PAGE, Listing, Lists, check_limit
from core.desk.reviews import Reviews
from core.errors import InvalidInput
from core.gate import Viewer, authorize
from core.log.audit import record_look
from core.log.pseudonyms import Pseudonyms
from core.log.records import (
    HandoverRecord,
    Message,
    ModelCall,
    Retrieval,
    Review,
    Summary,
    Thread,
    ToolCall,
    Totals,
    Turn,
)
from core.store import Filter, In, Range, Scalar, Store

S = TypeVar("S", Turn, Message, ToolCall, ModelCall, Retrieval, Summary, HandoverRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A turn with its tool calls, model calls, searches, summaries and hand-overs, each in the order of the log.

    `review` are the verdicts on its answer; None without one, and for viewers that may not judge it.
    """

    turn: Turn
    calls: list[ToolCall]
    model_calls: list[ModelCall]
    retrievals: list[Retrieval]
    summaries: list[Summary]
    handovers: list[HandoverRecord]
    review: Review | None


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

    def __init__(self, store: Store, *, clock: Clock | None = None) -> None:
        self._store = store
        self._clock: Clock = clock or SystemClock()
        self._lists = Lists(store)
        self._checked = CheckedRecords(store, self._clock)
        self._pseudonyms = Pseudonyms(store, self._clock)
        self._reviews = Reviews(store, self._clock, self._checked, self._pseudonyms)

    async def thread(self, viewer: Viewer, thread_id: str) -> Thread:
        """The thread's head. Raises NotFound if it does not exist or the viewer may not see it."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        return passed.item if passed.named else await self._pseudonyms.hide(passed.item)

    async def transcript(self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None) -> Transcript:
        """The `last` turns (1 to 100) that began before entry `before`, None for the newest. It counts as one look."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        # Only what the head holds that was checked: a turn that has sealed the thread since is not shown.
        where: dict[str, Filter] = {"thread": thread_id, "first_n": _up_to(before, passed.item.n + 1)}
        page = await self._lists.page(Turn, where, order=("-first_n",), limit=check_limit(last, 100))
        views = await self._views(viewer, page.items[::-1], named=passed.named)
        return Transcript(
            thread=passed.item if passed.named else await self._pseudonyms.hide(passed.item),
            turns=views,
            earlier=views[0].turn.first_n if page.cursor else None,
        )

    async def turn_view(self, viewer: Viewer, turn_id: str) -> TurnView:
        """The turn with its calls, searches, summaries and hand-overs. Raises NotFound."""
        passed = await self._checked.turn(viewer, "thread.read", turn_id)
        return (await self._views(viewer, [passed.item], named=passed.named))[0]

    async def messages(
        self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None
    ) -> list[Message]:
        """The `last` messages (1 to 500) with `at_n` below `before`, None for the newest; oldest first."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        # As in `transcript`; an entry has two messages.
        where: dict[str, Filter] = {"thread": thread_id, "at_n": _up_to(before, 2 * (passed.item.n + 1))}
        page = await self._lists.page(Message, where, order=("-at_n",), limit=check_limit(last, MAX_PAGE))
        return await self._shown(page.items[::-1], named=passed.named)

    async def tool_calls(self, viewer: Viewer, thread_id: str) -> list[ToolCall]:
        """All tool calls of the thread, in the order of the log."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        calls = await self._lists.all(ToolCall, {"thread": thread_id, "at_n": Range(lt=passed.item.n + 1)})
        return await self._shown(calls, named=passed.named)

    async def model_calls(self, viewer: Viewer, thread_id: str) -> list[ModelCall]:
        """All physical requests of the thread to models, failed ones too, in the order of the log."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        calls = await self._lists.all(ModelCall, {"thread": thread_id, "at_n": Range(lt=passed.item.n + 1)})
        return await self._shown(calls, named=passed.named)

    async def usage(self, viewer: Viewer, thread_id: str) -> Totals:
        """The tokens, calls and costs of the thread so far; `Totals` counts the unknown ones."""
        return (await self._checked.thread(viewer, "thread.read", thread_id)).item.totals

    async def turn(self, viewer: Viewer, turn_id: str) -> Turn:
        """The turn as it is now. Raises NotFound."""
        passed = await self._checked.turn(viewer, "thread.read", turn_id)
        return passed.item if passed.named else await self._pseudonyms.hide(passed.item)

    async def call(self, viewer: Viewer, call_id: str) -> ToolCall:
        """One tool call. An approver may open the calls that wait for an approver. Raises NotFound."""
        passed = await self._checked.call(viewer, "call.read", call_id)
        return passed.item if passed.named else await self._pseudonyms.hide(passed.item)

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
        authorize(viewer, "thread.list")
        if not words.strip():
            where = {"owner": viewer.id, **_metadata(metadata)}
            return await self._lists.page(Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)
        if metadata:
            raise InvalidInput(
                "search by words or by metadata, not by both: words are searched in messages, which have no metadata"
            )
        page = await self._lists.page(
            Message, {"owner": viewer.id}, words=words, order=("-at",), limit=limit, cursor=cursor
        )
        ids = list(dict.fromkeys(message.thread for message in page.items))
        heads = {head.id: head for head in await self._lists.all(Thread, {"id": In(tuple(ids))})}
        return Listing(items=[heads[thread] for thread in ids if thread in heads], cursor=page.cursor)

    async def gaps(self, viewer: Viewer, limit: int = 50) -> list[Gap]:
        """The newest questions without an answer and answers rated down, newest first, at most `limit` of each.

        For knowledge owners; the look is on record. Questions of people in need, and of sealed threads, are left out.
        """
        authorize(viewer, "gaps.list")
        await record_look(self._store, self._clock, viewer, "gaps.list")
        unanswered = await self._lists.unsealed(Retrieval, {"answers": False}, order=("-at",), limit=limit)
        rated = await self._lists.unsealed(Turn, {"rating": "down"}, order=("-opened_at",), limit=limit)
        # The turns are asked for by id: their own filters cannot combine "unanswered" with "rated down".
        ids = tuple({retrieval.turn for retrieval in unanswered.items} | {turn.id for turn in rated.items})
        if not ids:
            return []
        turns = [turn for turn in await self._lists.all(Turn, {"id": In(ids)}) if turn.concern is None]
        searches = await self._lists.all(Retrieval, {"turn": In(ids)})
        return [_gap(turn, searches) for turn in sorted(turns, key=lambda turn: turn.opened_at, reverse=True)]

    async def _views(self, viewer: Viewer, turns: list[Turn], *, named: bool) -> list[TurnView]:
        ids = tuple(turn.id for turn in turns)
        of_turns: dict[str, Filter] = {"turn": In(ids)}
        turns = await self._shown(turns, named=named)
        calls = await self._shown(await self._lists.all(ToolCall, of_turns), named=named)
        model_calls = await self._shown(await self._lists.all(ModelCall, of_turns), named=named)
        retrievals = await self._shown(await self._lists.all(Retrieval, of_turns), named=named)
        summaries = await self._shown(await self._lists.all(Summary, of_turns), named=named)
        handovers = await self._shown(await self._lists.all(HandoverRecord, of_turns), named=named)
        reviews = {} if named else await self._reviews.of(viewer, ids)
        return [
            TurnView(
                turn=turn,
                calls=[call for call in calls if call.turn == turn.id],
                model_calls=[call for call in model_calls if call.turn == turn.id],
                retrievals=[retrieval for retrieval in retrievals if retrieval.turn == turn.id],
                summaries=[summary for summary in summaries if summary.turn == turn.id],
                handovers=[handover for handover in handovers if handover.turn == turn.id],
                review=reviews.get(turn.id),
            )
            for turn in turns
        ]

    async def _shown(self, items: Sequence[S], *, named: bool) -> list[S]:
        """The records, with pseudonyms for their owners unless the viewer may learn whose they are."""
        return list(items) if named else [await self._pseudonyms.hide(item) for item in items]


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


def _up_to(before: int | None, end: int) -> Range:
    """Numbers below `before`, None for all, and below `end`."""
    return Range(lt=end if before is None else min(before, end))


def _metadata(metadata: Mapping[str, Scalar] | None) -> dict[str, Scalar]:
    return {f"metadata.{name}": value for name, value in (metadata or {}).items()}
