"""Own data: what is kept about the viewer, and which other people have looked at it, for the viewer alone.

The lookers stay unnamed: an employee learns when a look happened, in which role and why.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast, get_args

from core.arguments import checked, checked_methods
from core.clock import Clock, SystemClock, iso
from core.desk.checks import check_store
from core.desk.lists import Listing, Lists
from core.desk.tallies import by_key, size
from core.errors import Denied, NotFound
from core.gate import Action, Owned, Role, Viewer, authorize
from core.ids import normalized
from core.log.audit import AuditLog
from core.log.records import HandoverRecord, Look, Message, Thread, ToolCall, Totals, Turn, record_kind
from core.store import Filter, In, Query, Range, Store, Tally

_SUMMED = tuple(f"totals.{name}" for name in Totals.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTotals:
    """How much is kept about the viewer; `since` is the time of their first question, None before it.

    `questions` counts the answers too: each question has one. A rating that was taken back does not count.
    """

    threads: int
    questions: int
    tool_calls: int
    handovers: int
    ratings: int
    since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUsed:
    """How many turns the viewer has opened in a time, and what they took; reports of decisions are turns too."""

    turns: int
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUsage:
    """The viewer's usage of this UTC day and of this UTC month so far."""

    today: OwnUsed
    month: OwnUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLook:
    """Another person's look at what is the viewer's, without that person's name.

    `roles` are those of the person's roles that allowed it, [] if they are not on record. `purpose` is None once
    erased. `object` is the kind of what was opened: thread, turn or call. A search for the viewer has `person`, an
    export or a list None; `calls` says that it was one of tool calls. `thread` is the viewer's thread that it was
    about, with its title of today; None if it was about several. `command`: it was made with a command.
    """

    at: str
    action: str
    object: str | None
    calls: bool
    roles: list[Role]
    purpose: str | None
    thread: str | None
    title: str | None
    command: bool


@checked_methods
class OwnData:
    """Reads what is kept about a viewer. A program can use it without a Desk.

    `looks_shown_after` is how long a look stays hidden from the person looked at, so that an investigation is not
    announced. Each method raises Denied if the viewer is not an employee. Its calls are not looks.
    """

    @checked("store")
    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        audit: AuditLog | None = None,
        looks_shown_after: timedelta = timedelta(0),
    ) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._lists = Lists(store)
        self.looks_shown_after = looks_shown_after

    async def totals(self, viewer: Viewer) -> OwnTotals:
        """How much is kept about the viewer, counted by the store."""
        await self._audit.authorize(viewer, "person.read")
        own: dict[str, Filter] = {"owner": viewer.id}
        summed = ("turns", "totals.tool_calls", "rating_counts.up", "rating_counts.down")
        groups = await self._store.tally(Query(kind="thread", where=own), (), summed)
        turns, calls, up, down = (sum(group.sums[path] for group in groups) for path in summed)
        handovers = await self._store.tally(Query(kind=record_kind(HandoverRecord), where=own), ())
        first = (await self._lists.page(Message, own, order=("at",), limit=1)).items
        return OwnTotals(
            threads=size(groups),
            questions=turns,
            tool_calls=calls,
            handovers=size(handovers),
            ratings=up + down,
            since=first[0].at if first else None,
        )

    async def usage(self, viewer: Viewer) -> OwnUsage:
        """What the viewer's turns of today and of this month took, counted by the store."""
        await self._audit.authorize(viewer, "person.read")
        today = iso(self._clock.now())[:10]
        month = f"{today[:7]}-01T00:00:00.000Z"
        own: dict[str, Filter] = {"owner": viewer.id, "opened_at": Range(ge=month), "imported": None}
        days = await self._store.tally(Query(kind="turn", where=own), ("day",), _SUMMED)
        return OwnUsage(today=_used(by_key(days, 0).get(today, [])), month=_used(days))

    async def erasures(self, viewer: Viewer, *, limit: int = 50, cursor: str | None = None) -> Listing[Thread]:
        """The viewer's threads for which they have asked for erasure and not taken it back, the newest request first.

        A request waits if the thread has an `erase_due`; else it was carried out at `erased_at`.
        """
        await self._audit.authorize(viewer, "person.read")
        asked: dict[str, Filter] = {"owner": viewer.id, "erase_asked": Range(ge="")}
        return await self._lists.page(Thread, asked, order=("-erase_asked",), limit=limit, cursor=cursor)

    async def looks_at_own(self, viewer: Viewer, *, limit: int = 20, before: str | None = None) -> Listing[OwnLook]:
        """The looks of others at what is the viewer's, newest first, without those that are still hidden.

        The listing's `cursor` is the next `before`. A page holds more than `limit` if several looks have the same time.
        """
        await self._audit.authorize(viewer, "person.read")
        # Not a cursor of the store: that holds a record's id, which is a digest of the looker's id.
        hidden = iso(self._clock.now() - self.looks_shown_after) if self.looks_shown_after else None
        ends = [end for end in (before, hidden) if end is not None]
        where: dict[str, Filter] = {"owners": viewer.id, "denied": False}
        where |= {"at": Range(lt=min(ends))} if ends else {}
        page = await self._lists.page(Look, where, order=("-at",), limit=limit)
        looks, cursor = page.items, page.cursor
        while cursor is not None:
            page = await self._lists.page(Look, where, order=("-at",), limit=1, cursor=cursor)
            if page.items[0].at != looks[-1].at:
                break
            looks, cursor = [*looks, *page.items], page.cursor
        threads = await self._threads_of(viewer, looks)
        shown = [_shown(look, viewer, threads.get(look.id)) for look in looks]
        return Listing(items=shown, cursor=looks[-1].at if cursor is not None else None)

    async def _threads_of(self, viewer: Viewer, looks: Iterable[Look]) -> dict[str, Thread]:
        """The viewer's thread that each of the looks was about, by the look's id."""
        named = {look.id: _named(look) for look in looks}
        turns, calls = (In(tuple({name for kind, name in named.values() if kind == of})) for of in ("turn", "call"))
        threads = {("turn", turn.id): turn.thread for turn in await self._lists.all(Turn, {"id": turns})}
        threads |= {("call", call.id): call.thread for call in await self._lists.all(ToolCall, {"id": calls})}
        of_looks = {look: threads.get(what, what[1]) for look, what in named.items()}
        own: dict[str, Filter] = {"id": In(tuple(set(of_looks.values()))), "owner": viewer.id}
        heads = {head.id: head for head in await self._lists.all(Thread, own)}
        return {look: heads[thread] for look, thread in of_looks.items() if thread in heads}


def _used(days: Sequence[Tally]) -> OwnUsed:
    sums = {path.removeprefix("totals."): sum(day.sums[path] for day in days) for path in _SUMMED}
    return OwnUsed(turns=size(days), totals=Totals(**sums))


def _named(look: Look) -> tuple[str, str]:
    """The kind and the id of what was opened or exported; empty texts if there are several."""
    ids = look.filters.get("ids")
    if look.action == "export" and look.filters.get("list") == "threads" and isinstance(ids, list) and len(ids) == 1:
        return "thread", str(ids[0])
    kind, _, name = (look.object or "").partition(":")
    return kind, name


def _shown(look: Look, viewer: Viewer, thread: Thread | None) -> OwnLook:
    purpose = look.purpose
    if purpose is not None:
        # People write what they like into a purpose. At least their own id, and those of other owners, do not get out.
        purpose = normalized(purpose)
        # The longest first: an id may begin with another one, and what follows that would be left.
        for person in sorted({look.by, *look.owners} - {viewer.id}, key=len, reverse=True):
            purpose = re.sub(rf"(?<![\w-]){re.escape(person)}(?![\w-])", "(a person)", purpose)
    return OwnLook(
        at=look.at,
        action=look.action,
        object=look.object.partition(":")[0] if look.object else None,
        calls=look.filters.get("list") == "calls",
        roles=_allowing(look),
        purpose=purpose,
        thread=thread.id if thread else None,
        title=thread.title if thread else None,
        command=look.account is not None,
    )


def _allowing(look: Look) -> list[Role]:
    """The roles on record that allow such a look. Others are left out: together they could name the looker."""
    return [role for role in get_args(Role) if role in look.roles and _allows(role, look.action)]


def _allows(role: Role, action: str) -> bool:
    """Whether the gate lets this role alone look by this action: at another person's object, or at many."""
    looker = Viewer("looker", {role}, purpose="any")
    waiting = Owned(kind="call", id="any", owner="owner", decider="approver")
    for owned in (None, waiting, replace(waiting, sealed=True)):
        with suppress(Denied, NotFound):
            # A newer Rolltop's action is denied.
            if authorize(looker, cast(Action, action), owned) != "own":
                return True
    return False
