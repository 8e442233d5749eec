"""Oversight: what auditors, handlers, approvers and data protection officers may list across all people.

Each list is a look, on record before its rows are returned, and each row passes the same filters again as it is now.
Rows name people by their pseudonyms.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.arguments import checked, checked_methods
from core.canonical import Json
from core.clock import Clock, SystemClock
from core.desk.checks import check_store
from core.desk.counts import CallChoices, Counts, ThreadChoices, ToolFigures, count_calls, count_threads, tool_figures
from core.desk.filters import CallFilter, LookFilter, ThreadFilter, between, person_named
from core.desk.kept_totals import KeptTotals, Total
from core.desk.lists import Listing, Lists, filled
from core.desk.snippets import Hit, snippet
from core.desk.tallies import size
from core.errors import InvalidInput
from core.gate import Action, Owned, Viewer, may
from core.log.audit import AuditLog
from core.log.pseudonyms import Pseudonyms
from core.log.records import OUTDATED, DeferredCall, Look, Message, Review, Thread, ToolCall
from core.store import Filter, In, Query, Scalar, Store
from core.values import Verdict

WAITING_SECONDS = 3.0
"""Seconds for which the number of waiting calls is kept: each run of an approver's page shows it."""
_WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRow:
    """A thread in a list. `verdicts` counts the verdicts on its answers; `hit` is None without a search for words."""

    thread: Thread
    verdicts: Mapping[Verdict, int]
    hit: Hit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedThread:
    """What an auditor sees of a sealed thread: its id, and the time of its last activity."""

    id: str
    updated_at: str


@checked_methods
class Oversight:
    """Lists the records of all people in a store, for a viewer. A program can use it without a Desk.

    Each method raises Denied if the viewer's roles do not allow it, InvalidInput if the purpose is missing, and
    Unavailable or StoreRefused if the look could not be put on record.
    """

    @checked("store")
    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._lists = Lists(store)
        self._pseudonyms = Pseudonyms(store, self._clock)
        self._finder = Finder(self._lists, self._pseudonyms)
        self._totals = KeptTotals(self._clock)
        self._waiting = KeptTotals(self._clock, WAITING_SECONDS)
        self._outdated: int | None = None

    async def outdated(self) -> int:
        """How many threads have records of an older Rolltop: filters by newer fields do not find these yet.

        They are folded again when a console starts, or by `rolltop rebuild`.
        """
        if self._outdated != 0:  # once it is 0, it stays so
            self._outdated = size(await self._store.tally(OUTDATED["thread"], ()))
        return self._outdated

    async def search_threads(
        self, viewer: Viewer, wanted: ThreadFilter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[ThreadRow | SealedThread]:
        """The threads of all owners, for an auditor, newest activity first.

        Without a filter, or with times alone, sealed threads are among them; any other filter leaves them out. With
        words, the order is that of the messages that have them, newest first, and a thread may come again on a later
        page. With verdicts, it is that of the questions that were judged.
        """
        wanted = wanted or ThreadFilter()
        await self._look(viewer, "audit.search", wanted.owner, wanted.recorded(), wanted.words)
        return await self._finder.threads(viewer, wanted, limit, cursor)

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
        wanted = ThreadFilter(since=since, until=until)
        await self._look(viewer, "sealed.list", None, wanted.recorded())
        where: dict[str, Filter] = {"sealed": True, **between("updated_at", since, until)}
        page = await self._lists.page(Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)
        return Listing(
            items=[
                await self._pseudonyms.hide(head)
                for head in page.items
                if may(viewer, "thread.read", Owned(kind="thread", id=head.id, owner=head.owner, sealed=True))
            ],
            cursor=page.cursor,
        )

    async def search_calls(
        self, viewer: Viewer, wanted: CallFilter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[ToolCall]:
        """The tool calls of all owners, for an auditor, newest first, without those of sealed threads."""
        wanted = wanted or CallFilter()
        await self._look(viewer, "audit.search", wanted.owner, wanted.recorded())
        return await self._finder.calls(viewer, wanted, limit, cursor)

    async def count_threads(self, viewer: Viewer, wanted: ThreadFilter, among: ThreadChoices) -> Total[Counts] | None:
        """How many threads match, and how many would with each of the choices, for an auditor.

        Sealed threads do not count. None if `wanted` has words or verdicts: then no tally can count them.
        """
        await self._look(viewer, "audit.search", wanted.owner, wanted.recorded(), wanted.words)
        if not wanted.countable:
            return None
        return await self._totals.get(
            ("threads", repr(wanted), repr(among)), lambda: count_threads(self._store, wanted, among)
        )

    async def count_calls(self, viewer: Viewer, wanted: CallFilter, among: CallChoices) -> Total[Counts]:
        """The same for tool calls."""
        await self._look(viewer, "audit.search", wanted.owner, wanted.recorded())
        return await self._totals.get(
            ("calls", repr(wanted), repr(among)), lambda: count_calls(self._lists, wanted, among)
        )

    async def tool_report(
        self, viewer: Viewer, since: datetime | None = None, until: datetime | None = None
    ) -> Total[tuple[ToolFigures, ...]]:
        """What became of each tool's calls, by the tool's name, for an auditor. Calls of sealed threads do not count.

        The calls were planned at `since` or later, and before `until`; a time of None is left out.
        """
        times = ThreadFilter(since=since, until=until).recorded()
        # These figures may be those of a single call, so they are not for all that may read figures.
        await self._audit.authorize(viewer, "audit.search")
        await self._look(viewer, "figures.read", None, {"figures": "tools", **times})
        return await self._totals.get(("tools", since, until), lambda: tool_figures(self._lists, since, until))

    async def waiting_calls(
        self, viewer: Viewer, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[DeferredCall]:
        """The calls that wait for an approver, oldest first. A page leaves out the viewer's own, so it may be short.

        An approver decides about a person, so these calls name their owners by id. The look is one at all of them.
        """
        await self._audit.authorize(viewer, "call.read")
        page = await self._lists.page(
            DeferredCall, {"status": "waiting"}, order=("asked_at",), limit=limit, cursor=cursor
        )
        calls = [
            call
            for call in page.items
            if may(viewer, "call.decide", Owned(kind="call", id=call.call, owner=call.owner, decider="approver"))
        ]
        await self._audit.record(viewer, "call.read", owners=sorted({call.owner for call in calls}))
        return Listing(items=calls, cursor=page.cursor)

    async def count_waiting(self, viewer: Viewer) -> int:
        """How many calls wait for this approver's decision, those of `waiting_calls`, at most WAITING_SECONDS ago.

        A number is not a look. Raises Denied and Unavailable, not InvalidInput.
        """
        await self._audit.authorize(viewer, "calls.count")
        counted = await self._waiting.get(_WAITING, self._count_waiting)
        return sum(calls for owner, calls in counted.value.items() if owner != viewer.id)

    def recount_waiting(self) -> None:
        """Count the waiting calls anew when the number is wanted next: one of them was decided on."""
        self._waiting.drop(_WAITING)

    async def _count_waiting(self) -> dict[Scalar, int]:
        """The waiting calls by their owner: each approver decides on those of the others."""
        groups = await self._store.tally(Query(kind="deferred_call", where={"status": "waiting"}), ("owner",))
        return {group.key[0]: group.count for group in groups}

    async def looks(
        self, viewer: Viewer, wanted: LookFilter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[Look]:
        """The audit log, newest first: looks, searches, exports and denials.

        A data protection officer sees the entries of all viewers, and this look is on record. An auditor, a handler and
        an approver see their own: InvalidInput if the filter names another viewer, or a person whose content was shown.
        """
        wanted = wanted or LookFilter()
        where = wanted.where()
        if await self._audit.authorize(viewer, "audit.list") == "own":
            # Their own looks at one person would tell them which pseudonym is that person's.
            if wanted.owner is not None or wanted.by not in (None, viewer.id):
                raise InvalidInput("only a data protection officer filters by another viewer, or by a person shown")
            where["by"] = viewer.id
        else:
            await self._audit.record(viewer, "audit.list", person_named(wanted.owner), filters=wanted.recorded())
        page = await self._lists.page(Look, where, order=("-at",), limit=limit, cursor=cursor)
        return Listing(items=[await self._pseudonyms.hide_look(look) for look in page.items], cursor=page.cursor)

    async def _look(
        self, viewer: Viewer, action: Action, person: str | None, filters: dict[str, Json], words: str = ""
    ) -> None:
        """Put the search on record. A search for a person is a look at that person."""
        await self._audit.authorize(viewer, action)
        if person is not None:
            action = "person.search"
            await self._audit.authorize(viewer, action)
        await self._audit.record(viewer, action, person_named(person), words=words, filters=filters)


class Finder:
    """Finds what filters mean. It puts no look on record: its callers do that before they call it."""

    def __init__(self, lists: Lists, pseudonyms: Pseudonyms) -> None:
        self._lists = lists
        self._pseudonyms = pseudonyms

    async def threads(
        self, viewer: Viewer, wanted: ThreadFilter, limit: int, cursor: str | None
    ) -> Listing[ThreadRow | SealedThread]:
        """As `Oversight.search_threads`."""
        if wanted.words.strip():
            return await self._by_words(viewer, wanted, limit, cursor)
        if wanted.verdicts and "none" not in wanted.verdicts:
            return await self._by_verdict(viewer, wanted, limit, cursor)
        where = wanted.listed()

        async def fetch(limit: int, cursor: str | None) -> Listing[Thread]:
            return await self._lists.page(Thread, where, order=("-updated_at",), limit=limit, cursor=cursor)

        async def keep(heads: Sequence[Thread]) -> list[ThreadRow | SealedThread]:
            return await self._rows(viewer, heads, wanted)

        return await filled(fetch, keep, limit, cursor)

    async def calls(self, viewer: Viewer, wanted: CallFilter, limit: int, cursor: str | None) -> Listing[ToolCall]:
        """As `Oversight.search_calls`."""
        page = await self._lists.unsealed(ToolCall, wanted.where(), order=("-planned_at",), limit=limit, cursor=cursor)
        return Listing(
            items=[
                await self._pseudonyms.hide(call)
                for call in page.items
                if may(viewer, "call.read", Owned(kind="call", id=call.id, owner=call.owner))
            ],
            cursor=page.cursor,
        )

    async def _by_words(
        self, viewer: Viewer, wanted: ThreadFilter, limit: int, cursor: str | None
    ) -> Listing[ThreadRow | SealedThread]:
        of_messages: dict[str, Filter] = {"owner": wanted.owner} if wanted.owner else {}
        of_messages |= between("at", wanted.since, wanted.until)
        seen: set[str] = set()

        async def fetch(limit: int, cursor: str | None) -> Listing[Message]:
            return await self._lists.page(
                Message, of_messages, words=wanted.words, order=("-at",), limit=limit, cursor=cursor
            )

        async def keep(found: Sequence[Message]) -> list[ThreadRow | SealedThread]:
            messages = await self._lists.outside_seals(found)
            first = {message.thread: message for message in reversed(messages) if message.thread not in seen}
            seen.update(first)
            # Their newest messages first, as the search found them.
            heads = await self._heads([m.thread for m in messages if first.get(m.thread) is m], wanted)
            hits = {
                thread: Hit(turn=message.turn, snippet=snippet(message.text or "", wanted.words))
                for thread, message in first.items()
            }
            return await self._rows(viewer, heads, wanted, hits)

        return await filled(fetch, keep, limit, cursor)

    async def _by_verdict(
        self, viewer: Viewer, wanted: ThreadFilter, limit: int, cursor: str | None
    ) -> Listing[ThreadRow | SealedThread]:
        where: dict[str, Filter] = {"verdicts": In(wanted.verdicts)}
        where |= {"owner": wanted.owner} if wanted.owner else {}
        where |= between("opened_at", wanted.since, wanted.until)
        seen: set[str] = set()

        async def fetch(limit: int, cursor: str | None) -> Listing[Review]:
            return await self._lists.page(Review, where, order=("-opened_at",), limit=limit, cursor=cursor)

        async def keep(reviews: Sequence[Review]) -> list[ThreadRow | SealedThread]:
            shown = [review for review in reviews if self._may_see(viewer, review)]
            threads = [one for one in dict.fromkeys(review.thread for review in shown) if one not in seen]
            seen.update(threads)
            return await self._rows(viewer, await self._heads(threads, wanted), wanted)

        return await filled(fetch, keep, limit, cursor)

    async def _heads(self, threads: Sequence[str], wanted: ThreadFilter) -> list[Thread]:
        """The heads of these threads that pass the filters, in the same order."""
        if not threads:
            return []
        # Asked again, and not taken from what was found: a thread may have been sealed since.
        found = await self._lists.all(Thread, {**wanted.head(), "sealed": None, "id": In(tuple(threads))})
        heads = {head.id: head for head in found}
        return [heads[thread] for thread in threads if thread in heads]

    async def _rows(
        self,
        viewer: Viewer,
        heads: Sequence[Thread],
        wanted: ThreadFilter,
        hits: Mapping[str, Hit] | None = None,
    ) -> list[ThreadRow | SealedThread]:
        reviews = await self._reviews(viewer, [head.id for head in heads if not head.sealed])
        rows: list[ThreadRow | SealedThread] = []
        for head in heads:
            if head.sealed:
                rows.append(SealedThread(id=head.id, updated_at=head.updated_at))
                continue
            if not may(viewer, "thread.read", Owned(kind="thread", id=head.id, owner=head.owner)):
                continue
            verdicts = Counter(given.verdict for review in reviews.get(head.id, ()) for given in review.given)
            judged: set[str] = {*verdicts} or {"none"}
            if wanted.verdicts and judged.isdisjoint(wanted.verdicts):
                continue
            rows.append(
                ThreadRow(
                    thread=await self._pseudonyms.hide(head),
                    verdicts=verdicts,
                    hit=hits.get(head.id) if hits else None,
                )
            )
        return rows

    async def _reviews(self, viewer: Viewer, threads: Sequence[str]) -> dict[str, list[Review]]:
        """The reviews of the answers of each of these threads that the viewer may see."""
        found = await self._lists.all(Review, {"thread": In(tuple(threads))}) if threads else []
        of_threads: dict[str, list[Review]] = {}
        for review in found:
            if self._may_see(viewer, review):
                of_threads.setdefault(review.thread, []).append(review)
        return of_threads

    def _may_see(self, viewer: Viewer, review: Review) -> bool:
        """Whether the viewer may see the review, for threads that are open to them: not one of their own answers."""
        return may(viewer, "answer.judge", Owned(kind="turn", id=review.id, owner=review.owner))
