"""Figures: whether the desk is right and on time. They are counted by the store and never say anything of one person.

A figure that leads to a list is counted with the list's own filters, so that it equals the list's length. Sealed
threads are left out of all figures but two that lead to no list: what models cost, and how often care was needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

from core.arguments import checked, checked_methods
from core.clock import Clock, SystemClock
from core.desk.bills import BILL, Spent, spent
from core.desk.checks import check_store
from core.desk.filters import CallFilter, ThreadFilter, between
from core.desk.kept_totals import KeptTotals, Total
from core.desk.lists import Lists
from core.desk.small_groups import MIN_PEOPLE, Withheld, withheld_groups
from core.desk.tallies import by_key, size
from core.desk.usage import UsageBy, UsageReport, check_days, usage_of
from core.gate import Action, Viewer
from core.log.audit import AuditLog
from core.log.buckets import percentile
from core.store import Filter, Query, Range, Scalar, Store, Tally
from core.values import FAILED_CALL, HandoverStatus, Outcome, Verdict

By: TypeAlias = Literal["country", "handbook", "tool"]
Rating: TypeAlias = Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstText:
    """Milliseconds from a question to the first text of its answer: half of the answers, and 95 %, took no longer.

    At most 10 % above the true value. None without an answer.
    """

    p50: int | None
    p95: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The figures of one UTC day: questions by outcome and by rating, failed tool calls, waits and costs."""

    outcomes: Mapping[Outcome, int]
    ratings: Mapping[Rating, int]
    tool_errors: int
    first_text: FirstText
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The figures of a range of time; a turn belongs to the time of its question, a verdict to that of its turn.

    `days` (YYYY-MM-DD) are those with figures, in order. `outcomes` and `ratings` count turns, `verdicts` the turns
    with such a verdict, `handed_over` requests for a person. `care` counts the questions of people in need by topic, in
    the whole UTC months of the range: a month with fewer than MIN_PEOPLE people on a topic is left out. `models` are
    the costs by model.
    """

    days: Mapping[str, DayFigures]
    outcomes: Mapping[Outcome, int]
    ratings: Mapping[Rating, int]
    verdicts: Mapping[Verdict, int]
    handed_over: Mapping[HandoverStatus, int]
    care: Mapping[str, int]
    tool_calls: int
    tool_errors: int
    first_text: FirstText
    spent: Spent
    models: Mapping[str, Spent]

    @property
    def questions(self) -> int:
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """How many threads the auditors' lists have, whose last activity is in the range: with such an outcome or rating.

    `threads` are all, sealed ones too. For `verdicts` it is the judged question that is in the range.
    """

    threads: int
    outcomes: Mapping[Outcome, int]
    ratings: Mapping[Rating, int]
    verdicts: Mapping[Verdict, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The figures of a range, of the range of the same length before it, and of now.

    `before` is None if the range has no beginning or no end. `waiting_calls` wait for a person's decision now;
    `unknown_calls` are those on which a person has not said yet whether they took effect.
    """

    span: Span
    before: Span | None
    listed: Listed
    waiting_calls: int
    unknown_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """The figures of a group: of its answers, or, for a tool, of its calls, which have neither sources nor ratings.

    `p95` is in milliseconds: to the first text of an answer, or the duration of a call; see FirstText.
    """

    count: int
    failed: int
    sourced: int | None
    rated_down: int | None
    p95: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A country, handbook or tool; `name` None: the country is not known.

    `figures` is None if they are withheld: `few`, because fewer than MIN_PEOPLE people asked, or `cover`, because they
    would give away those of the small groups by subtraction.
    """

    name: str | None
    figures: GroupFigures | None
    withheld: Withheld | None = None


@checked_methods
class Figures:
    """Counts over the records of all people in a store, for a viewer. A program can use it without a Desk.

    Totals are kept for a minute. Each method raises Denied if the viewer's roles do not allow it, InvalidInput if the
    purpose is missing, and Unavailable or StoreRefused if the look could not be put on record.
    """

    @checked("store")
    def __init__(self, store: Store, *, clock: Clock | None = None, audit: AuditLog | None = None) -> None:
        self._store = check_store(store)
        self._clock: Clock = clock or SystemClock()
        self._audit = audit or AuditLog(store, self._clock)
        self._lists = Lists(store)
        self._kept = KeptTotals(self._clock)

    async def overview(self, viewer: Viewer, since: datetime | None, until: datetime | None) -> Total[Overview]:
        """The figures of the time at `since` or later and before `until`; None leaves that side open."""
        await self._look(viewer, "overview", since, until)
        return await self._kept.get(("overview", since, until), lambda: self._overview(since, until))

    async def breakdown(
        self,
        viewer: Viewer,
        by: By,
        since: datetime | None,
        until: datetime | None,
        *,
        handbooks: Sequence[str] = (),
    ) -> Total[list[Group]]:
        """The figures of each country, handbook or tool in this time, the largest group first, withheld ones last.

        `handbooks` are the ids of all handbooks, for the breakdown by them: a store cannot list them. An answer counts
        for each handbook that it cites.
        """
        await self._look(viewer, by, since, until)
        ids = tuple(sorted({*handbooks}))
        return await self._kept.get((by, since, until, ids), lambda: self._breakdown(by, since, until, ids))

    async def usage(
        self, viewer: Viewer, by: UsageBy, since: datetime | None, until: datetime | None
    ) -> Total[UsageReport]:
        """The turns, model calls, tokens and costs of each entity, model or day, for administrators and auditors.

        Of the time at `since` or later and before `until`; None leaves that side open. Raises InvalidInput also if one
        of them is not the beginning of a UTC day.
        """
        await self._look(viewer, by, since, until, "usage.read")
        check_days(since, until)
        return await self._kept.get(
            ("usage", by, since, until), lambda: usage_of(self._store, self._lists, by, since, until)
        )

    async def _look(
        self,
        viewer: Viewer,
        figures: str,
        since: datetime | None,
        until: datetime | None,
        action: Action = "figures.read",
    ) -> None:
        await self._audit.authorize(viewer, action)
        times = ThreadFilter(since=since, until=until).recorded()
        await self._audit.record(viewer, action, filters={"figures": figures, **times})

    async def _overview(self, since: datetime | None, until: datetime | None) -> Overview:
        before = await self._span(since - (until - since), since) if since and until else None
        return Overview(
            span=await self._span(since, until),
            before=before,
            listed=await self._listed(since, until),
            waiting_calls=await self._calls(CallFilter(waiting=True)),
            unknown_calls=await self._calls(CallFilter(unresolved=True)),
        )

    async def _span(self, since: datetime | None, until: datetime | None) -> Span:
        asked = _asked(since, until)
        turns = await self._lists.count_unsealed("turn", asked, by=("day", "outcome", "rating"))
        waits = await self._lists.count_unsealed("turn", asked, by=("first_text_bucket", "day"))
        calls = await self._lists.count_unsealed(
            "tool_call", CallFilter(since=since, until=until).where(), by=("day", "status")
        )
        handed = await self._lists.count_unsealed("handover", between("asked_at", since, until), by=("status",))
        bills = await self._store.tally(
            Query(kind="model_call", where=between("asked_at", since, until)),
            by=("day", "model", "status"),
            sums=BILL,
        )
        of_turns, of_waits, of_calls, of_bills = by_key(turns, 0), by_key(waits, 1), by_key(calls, 0), by_key(bills, 0)
        return Span(
            days={
                str(day): DayFigures(
                    outcomes=_counts(of_turns.get(day, []), 1),
                    ratings=_counts(of_turns.get(day, []), 2),
                    tool_errors=_errors(of_calls.get(day, [])),
                    first_text=_first_text(of_waits.get(day, [])),
                    spent=spent(of_bills.get(day, [])),
                )
                for day in sorted(of_turns.keys() | of_calls.keys() | of_bills.keys(), key=str)
            },
            outcomes=_counts(turns, 1),
            ratings=_counts(turns, 2),
            verdicts={verdict: size(await self._judged(verdict, since, until)) for verdict in get_args(Verdict)},
            handed_over=_counts(handed, 0),
            care=await self._care(since, until),
            tool_calls=size(calls),
            tool_errors=_errors(calls),
            first_text=_first_text(waits),
            spent=spent(bills),
            models={str(model): spent(of_model) for model, of_model in by_key(bills, 1).items()},
        )

    async def _care(self, since: datetime | None, until: datetime | None) -> dict[str, int]:
        """The questions of people in need by topic, in the whole months of the range."""
        in_need = await self._store.tally(
            # A range, because it leaves out the turns without a concern.
            Query(kind="turn", where={**_asked(since, until), "concern.topic": Range(ge="")}),
            by=("concern.topic", "day", "owner"),
        )
        ended = min(until or self._clock.now(), self._clock.now())
        months: dict[tuple[str, str], list[Tally]] = {}
        for group in in_need:
            months.setdefault((str(group.key[0]), str(group.key[1])[:7]), []).append(group)
        counts: dict[str, int] = {}
        # Whole months, each with people enough of its own: the difference of two ranges that an auditor chooses is then
        # a sum of such months too, and never one question, which a sealed thread of that time could be recognised by.
        for (topic, month), groups in months.items():
            first = datetime.fromisoformat(f"{month}-01T00:00+00:00")
            following = (first + timedelta(days=31)).replace(day=1)
            whole = (since is None or since <= first) and following <= ended
            if whole and len({group.key[2] for group in groups}) >= MIN_PEOPLE:
                counts[topic] = counts.get(topic, 0) + size(groups)
        return counts

    async def _listed(self, since: datetime | None, until: datetime | None) -> Listed:
        async def threads(wanted: ThreadFilter) -> int:
            within = replace(wanted, since=since, until=until)
            return size(await self._store.tally(Query(kind="thread", where=within.listed()), by=()))

        outcomes: tuple[Outcome, ...] = get_args(Outcome)
        ratings: tuple[Rating, ...] = get_args(Rating)
        verdicts: tuple[Verdict, ...] = get_args(Verdict)
        return Listed(
            threads=await threads(ThreadFilter()),
            outcomes={outcome: await threads(ThreadFilter(outcomes=(outcome,))) for outcome in outcomes},
            ratings={rating: await threads(ThreadFilter(ratings=(rating,))) for rating in ratings},
            verdicts={verdict: len(await self._judged(verdict, since, until)) for verdict in verdicts},
        )

    async def _judged(self, verdict: Verdict, since: datetime | None, until: datetime | None) -> list[Tally]:
        """The turns with this verdict, a group for each thread."""
        where: dict[str, Filter] = {"verdicts": verdict, **between("opened_at", since, until)}
        return await self._lists.count_unsealed("review", where, by=("thread",))

    async def _calls(self, wanted: CallFilter) -> int:
        return size(await self._lists.count_unsealed("tool_call", wanted.where()))

    async def _breakdown(
        self, by: By, since: datetime | None, until: datetime | None, handbooks: Sequence[str]
    ) -> list[Group]:
        asked = _asked(since, until)
        groups: dict[Scalar, _Counted] = {}
        match by:
            case "country":
                groups = await self._groups("turn", asked, "country")
            case "tool":
                groups = await self._groups("tool_call", CallFilter(since=since, until=until).where(), "tool")
            case "handbook":
                for handbook in handbooks:
                    # One by one: a store does not group by the items of a list.
                    for cited in (await self._groups("turn", {**asked, "handbooks": handbook}, None)).values():
                        groups[handbook] = cited
        withheld = withheld_groups({name: counted.people for name, counted in groups.items()})
        shown = [
            Group(
                name=str(name) if name is not None else None,
                figures=None if name in withheld else counted.figures,
                withheld=withheld.get(name),
            )
            for name, counted in groups.items()
        ]
        # By name where figures are withheld: the order of sizes would tell something of them.
        return sorted(shown, key=lambda group: (-group.figures.count if group.figures else 0, group.name or ""))

    async def _groups(
        self, kind: Literal["turn", "tool_call"], where: Mapping[str, Filter], path: str | None
    ) -> "dict[Scalar, _Counted]":
        """The groups of equal values at the path; None: one group of all, {} if there are none."""
        of_calls = kind == "tool_call"
        measured = ("duration_bucket", "status") if of_calls else ("first_text_bucket", "outcome", "rating")
        by = (path,) if path else ()
        people = await self._lists.count_unsealed(kind, where, by=("owner", *by))
        counted = await self._lists.count_unsealed(kind, where, by=(*measured, *by))
        figures = by_key(counted, len(measured))
        return {
            name: _Counted(
                people=frozenset(group.key[0] for group in groups),
                figures=_figures(figures.get(name, []), of_calls=of_calls),
            )
            for name, groups in by_key(people, 1).items()
        }


def _asked(since: datetime | None, until: datetime | None) -> dict[str, Filter]:
    """The questions of the time. A turn that reports a decision was not asked, an imported one not here."""
    return {**between("opened_at", since, until), "report": None, "imported": None}


@dataclass(frozen=True, slots=True)
class _Counted:
    """A group before it is decided whether its figures may be shown."""

    people: frozenset[Scalar]
    figures: GroupFigures


def _figures(groups: Sequence[Tally], *, of_calls: bool) -> GroupFigures:
    outcomes = _counts(groups, 1)
    ratings = {} if of_calls else _counts(groups, 2)
    return GroupFigures(
        count=size(groups),
        failed=sum(outcomes.get(outcome, 0) for outcome in (FAILED_CALL if of_calls else ("failed",))),
        sourced=None if of_calls else outcomes.get("sourced", 0),
        rated_down=None if of_calls else ratings.get("down", 0),
        p95=percentile(groups, 0.95),
    )


def _counts(groups: Iterable[Tally], place: int) -> dict[Any, int]:
    """How many records have each text at this place of the groups' keys; None is left out."""
    return {key: size(part) for key, part in by_key(groups, place).items() if key is not None}


def _errors(groups: Iterable[Tally]) -> int:
    """The failed tool calls, given by day and status."""
    return size(group for group in groups if group.key[1] in FAILED_CALL)


def _first_text(groups: Sequence[Tally]) -> FirstText:
    return FirstText(p50=percentile(groups, 0.5), p95=percentile(groups, 0.95))
