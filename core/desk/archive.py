"""The archive: all that is on record, for the viewers that may read it.

It reads records and never a whole log, so that a page of a long thread costs as much as a page of a short one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.arguments import checked, checked_methods
from core.clock import Clock, SystemClock
from core.desk.checked_records import CheckedRecords, Passed
from core.desk.checks import check_store
from core.desk.evidence import CallHistory, Produced, read_history, read_produced
from core.desk.lists import MAX_PAGE, Listing, Lists, check_limit
from core.desk.own_threads import FoundThread, OwnThreads, on_shelf
from core.desk.reviews import Reviews
from core.desk.turn_views import TurnView, TurnViews
from core.desk.unreadable import Unreadable, check_entries, read_entries
from core.errors import InvalidInput, NotFound
from core.gate import Viewer
from core.ids import check_id, name_of_user
from core.log.audit import AuditLog
from core.log.branches import shown_ranges
from core.log.pseudonyms import Pseudonyms
from core.log.record_ids import OPENINGS
from core.log.records import (
    DeferredCall,
    Message,
    ModelCall,
    Person,
    Retrieval,
    Thread,
    ToolCall,
    Totals,
    Turn,
    item_of,
)
from core.store import Filter, In, Range, Scalar, Store
from core.values import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A page of a thread's turns, oldest first. Pass `earlier` as `before` for older turns, `later` as `at` for newer.

    Each is None if there are none. `unreadable` names what the page leaves out because it cannot be read.
    """

    thread: Thread
    turns: list[TurnView]
    earlier: int | None
    later: str | None
    unreadable: list[Unreadable]


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


@checked_methods
class Archive:
    """Reads a store, for a viewer.

    Each method checks the viewer at the gate. If the viewer is not the owner, the look goes on record before content is
    returned: Unavailable or StoreRefused if that failed. An auditor's program can use an Archive without a Desk.
    """

    @checked("store")
    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        self._lists = Lists(store)
        self._audit = audit or AuditLog(store, self._clock)
        self._own = OwnThreads(self._lists)
        self._checked = CheckedRecords(store, self._clock, self._audit)
        self._pseudonyms = Pseudonyms(store, self._clock)
        self._views = TurnViews(self._pseudonyms, Reviews(store, self._clock, self._checked, self._pseudonyms))

    async def thread(self, viewer: Viewer, thread_id: str) -> Thread:
        """The thread's head. Raises NotFound if it does not exist or the viewer may not see it."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        return passed.item if passed.named else await self._pseudonyms.hide(passed.item)

    async def transcript(
        self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None, at: str | None = None
    ) -> Transcript:
        """The `last` turns (1 to 100) that began before entry `before`, None for the newest. It counts as one look.

        The owner gets the turns of the branch that is shown; other viewers get all, in the order of the log.

        With `at`, the id of a turn, they are that turn and those after it, and older ones if these are too few. Raises
        NotFound also if the thread has no such turn. If the viewer is not the owner, the page's entries are checked
        against their hashes too.
        """
        last = check_limit(last, 100)
        while True:
            passed = await self._checked.thread(viewer, "thread.read", thread_id)
            page = await self._transcript(viewer, passed, last, before, at)
            # The turns are read after the head. If the turn that was open there has ended by now, the head would say
            # less than the turns, for example not that the turn has acted.
            known = passed.item.open.turn if passed.item.open else None
            if not any(view.turn.id == known and view.turn.ended_at for view in page.turns):
                return page

    async def _transcript(
        self, viewer: Viewer, passed: Passed[Thread], last: int, before: int | None, at: str | None
    ) -> Transcript:
        thread = passed.item
        broken = [passed.unreadable] if passed.unreadable else []
        lists = Lists(self._store, broken)
        # Only what the head holds that was checked: a turn that has sealed the thread since is not shown.
        start = _up_to(before, thread.n + 1) if at is None else await self._first_n(lists, thread, at)
        # One more in each direction: it says where the page ends, and whether there are more.
        hidden = thread.hidden if passed.named else []
        after = list(shown_ranges(hidden, start, thread.n + 1))[::-1]
        newer = await self._turns(lists, thread.id, after, "first_n", last + 1 if at else 1) if at or before else []
        here = newer[:last] if at else []
        previously = list(shown_ranges(hidden, 1, start))
        older = await self._turns(lists, thread.id, previously, "-first_n", last - len(here) + 1)
        turns = [*older[: last - len(here)][::-1], *here]
        following = newer[len(here) :]
        if not passed.named:
            previous = older[last - len(here) :]
            begin, end = previous[0].last_n if previous else 0, following[0].first_n - 1 if following else thread.n
            broken += await self._broken_entries(thread.id, begin, end, {turn.id for turn in turns}, broken)
        return Transcript(
            thread=thread if passed.named else await self._pseudonyms.hide(thread),
            turns=await self._views.of(viewer, lists, turns, named=passed.named),
            earlier=turns[0].first_n if len(older) > last - len(here) else None,
            later=following[0].id if following else None,
            unreadable=broken,
        )

    async def turn_view(self, viewer: Viewer, turn_id: str) -> TurnView:
        """The turn with its calls, searches, summaries and hand-overs. Raises NotFound."""
        passed = await self._checked.turn(viewer, "thread.read", turn_id)
        return (await self._views.of(viewer, self._lists, [passed.item], named=passed.named))[0]

    async def produced(self, viewer: Viewer, turn_id: str) -> Produced | None:
        """What the turn ran with: instructions, tools, options, handbooks and output schema, as far as they are kept.

        None for an imported turn, which ran elsewhere. Raises NotFound.
        """
        passed = await self._checked.turn(viewer, "thread.read", turn_id)
        return await read_produced(self._store, passed.item.snapshot) if passed.item.snapshot else None

    async def messages(
        self, viewer: Viewer, thread_id: str, last: int = 20, before: int | None = None
    ) -> list[Message]:
        """The `last` messages (1 to 500) with `at_n` below `before`, None for the newest; oldest first.

        An answer without text is left out: its turn has only called tools, or ended before its first word, or runs.
        """
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        thread, last = passed.item, check_limit(last, MAX_PAGE)
        messages: list[Message] = []
        for begin, end in shown_ranges(thread.hidden, 0, thread.n + 1):
            if len(messages) == last:
                break
            # As in `transcript`; an entry has two messages.
            at_n = Range(ge=2 * begin, lt=_up_to(before, 2 * end))
            where: dict[str, Filter] = {"thread": thread_id, "at_n": at_n}
            cursor: str | None = None
            while len(messages) < last:
                limit = last - len(messages)
                page = await self._lists.page(Message, where, order=("-at_n",), limit=limit, cursor=cursor)
                # The record is there from the opening of the turn on. An erased text is None, and its message stays.
                messages += [message for message in page.items if message.text != ""]
                cursor = page.cursor
                if cursor is None:
                    break
        return await self._pseudonyms.shown(messages[::-1], named=passed.named)

    async def deferred_call(self, viewer: Viewer, call_id: str) -> DeferredCall:
        """What became of a call that waits, or waited, for an approver. Raises NotFound, also for any other call.

        The viewers of the call may read it.
        """
        passed = await self._checked.call(viewer, "call.read", call_id)
        # The call was read as new as its log, and the records that lagged were written then.
        found = await self._lists.all(DeferredCall, {"turn": passed.item.turn, "call": call_id})
        if not found:
            raise NotFound("call", call_id)
        return (await self._pseudonyms.shown(found, named=passed.named))[0]

    async def tool_calls(self, viewer: Viewer, thread_id: str) -> list[ToolCall]:
        """All tool calls of the thread, in the order of the log."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        calls = await self._lists.all(ToolCall, {"thread": thread_id, "at_n": Range(lt=passed.item.n + 1)})
        return await self._pseudonyms.shown(calls, named=passed.named)

    async def pending_calls(self, viewer: Viewer, thread_id: str) -> list[ToolCall]:
        """The tool calls of the thread that wait for a person's decision, in the order of the log; [] if none does.

        They are those of a turn that is `awaiting_approval`, and the deferred ones of earlier turns.
        """
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        thread, open_turn = passed.item, passed.item.open
        parked = [call.call for call in open_turn.calls if call.status == "awaiting_approval"] if open_turn else []
        ids = (*parked, *(one.call for one in thread.deferred if one.decision is None))
        calls = await self._lists.all(ToolCall, {"id": In(ids)}) if ids else []
        # A call may have been decided after the head was read.
        return await self._pseudonyms.shown([call for call in calls if call.waits], named=passed.named)

    async def model_calls(self, viewer: Viewer, thread_id: str) -> list[ModelCall]:
        """All physical requests of the thread to models, failed ones too, in the order of the log."""
        passed = await self._checked.thread(viewer, "thread.read", thread_id)
        calls = await self._lists.all(ModelCall, {"thread": thread_id, "at_n": Range(lt=passed.item.n + 1)})
        return await self._pseudonyms.shown(calls, named=passed.named)

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

    async def call_history(self, viewer: Viewer, call_id: str) -> CallHistory:
        """`call`, with the entries of the log that concern it. It counts as one look. Raises NotFound."""
        passed = await self._checked.call(viewer, "call.read", call_id)
        turns = await self._lists.all(Turn, {"id": passed.item.turn}) if passed.item.later else []
        history = await read_history(self._store, passed.item, turns[0].last_n if turns else passed.item.n)
        if passed.named:
            return history
        call = await self._pseudonyms.hide(passed.item)
        steps = [replace(step, by=call.owner) if step.by == passed.item.owner else step for step in history.steps]
        return replace(history, call=call, steps=steps)

    async def person(self, viewer: Viewer) -> Person | None:
        """What the viewer has told the desk about themselves; None until they have."""
        await self._audit.authorize(viewer, "person.read")
        kept = await self._store.get("person", name_of_user(viewer.id))
        return item_of(Person, kept) if kept else None

    async def owns(self, viewer: Viewer, thread_id: str) -> bool:
        """Whether the thread exists and is the viewer's own. It is not a look. Raises Denied without the role."""
        await self._audit.authorize(viewer, "thread.list")
        try:
            where: dict[str, Filter] = {"id": check_id(thread_id), "owner": viewer.id}
        except InvalidInput:
            return False
        return bool((await self._lists.page(Thread, where, limit=1)).items)

    async def threads(
        self,
        viewer: Viewer,
        shelf: Shelf | None = None,
        metadata: Mapping[str, Scalar] | None = None,
        limit: int = 30,
        cursor: str | None = None,
    ) -> Listing[Thread]:
        """The viewer's own threads, newest activity first; with `shelf`, those that their list shows there.

        `metadata` maps fields (`a.b` for a field within a field) to the values that the thread's metadata must have.
        """
        await self._audit.authorize(viewer, "thread.list")
        where = {"owner": viewer.id, **(on_shelf(shelf) if shelf else {}), **_metadata(metadata)}
        return await self._lists.page(Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)

    async def search_threads(
        self, viewer: Viewer, words: str, limit: int = 30, cursor: str | None = None
    ) -> Listing[FoundThread]:
        """The viewer's own threads whose title or one of whose messages has all the words; [] without a word.

        First come those with a title that was given to them, newest activity first, then the others by their newest
        message with the words. A thread may come again on a later page, and a page may have fewer than `limit`.
        """
        await self._audit.authorize(viewer, "thread.list")
        return await self._own.search(viewer.id, words, limit, cursor)

    async def gaps(self, viewer: Viewer, limit: int = 50) -> list[Gap]:
        """The newest questions without an answer and answers rated down, newest first, at most `limit` of each.

        For knowledge owners; the look is on record. Questions of people in need, and of sealed threads, are left out.
        """
        await self._audit.authorize(viewer, "gaps.list")
        await self._audit.record(viewer, "gaps.list")
        unanswered = await self._lists.unsealed(Retrieval, {"answers": False}, order=("-at",), limit=limit)
        rated = await self._lists.unsealed(Turn, {"rating": "down"}, order=("-opened_at",), limit=limit)
        # The turns are asked for by id: their own filters cannot combine "unanswered" with "rated down".
        ids = tuple({retrieval.turn for retrieval in unanswered.items} | {turn.id for turn in rated.items})
        if not ids:
            return []
        turns = [turn for turn in await self._lists.all(Turn, {"id": In(ids)}) if turn.concern is None]
        searches = await self._lists.all(Retrieval, {"turn": In(ids)})
        return [_gap(turn, searches) for turn in sorted(turns, key=lambda turn: turn.opened_at, reverse=True)]

    async def _first_n(self, lists: Lists, thread: Thread, turn_id: str) -> int:
        """Where the thread's turn begins. Raises NotFound."""
        try:
            where: dict[str, Filter] = {"id": check_id(turn_id), "thread": thread.id, "first_n": Range(lt=thread.n + 1)}
        except InvalidInput:
            raise NotFound("turn", turn_id) from None
        found = (await lists.page(Turn, where, limit=1)).items
        if not found:
            raise NotFound("turn", turn_id)
        return found[0].first_n

    async def _turns(
        self, lists: Lists, thread_id: str, ranges: Sequence[tuple[int, int]], order: str, limit: int
    ) -> list[Turn]:
        """Up to `limit` turns of the thread that can be read and begin in these ranges, which are in this order."""
        turns: list[Turn] = []
        for begin, end in ranges:
            cursor: str | None = None
            where: dict[str, Filter] = {"thread": thread_id, "first_n": Range(ge=begin, lt=end)}
            while len(turns) < limit:
                page = await lists.page(Turn, where, order=(order,), limit=limit - len(turns), cursor=cursor)
                turns += page.items
                cursor = page.cursor
                if cursor is None:
                    break
        return turns

    async def _broken_entries(
        self, thread_id: str, after: int, upto: int, shown: set[str], broken: Sequence[Unreadable]
    ) -> list[Unreadable]:
        """What of these entries cannot be read, was changed, or opened a turn that has no record."""
        stream = f"thread:{thread_id}"
        entries, gaps = await read_entries(self._store, stream, after, upto)
        named = {one.what for one in broken}
        lost = [
            Unreadable(what=stream, n=entry.n, why="opened a turn without a record: rebuild the records")
            for entry in entries
            if entry.kind in OPENINGS
            and (turn := entry.shell.get("turn")) not in shown
            and f"record turn:{turn}" not in named
        ]
        return sorted([*gaps, *check_entries(entries), *lost], key=lambda one: one.n)


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


def _up_to(before: int | None, end: int) -> int:
    """The end of a range of numbers below `before`, None for all, and below `end`."""
    return end if before is None else min(before, end)


def _metadata(metadata: Mapping[str, Scalar] | None) -> dict[str, Scalar]:
    return {f"metadata.{name}": value for name, value in (metadata or {}).items()}
