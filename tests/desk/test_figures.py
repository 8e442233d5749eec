"""Figures: each equals the list it opens, the store counts it, and it says nothing of one person."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import get_args

import pytest

from backends.stores.opening import open_store
from core.desk.figures import Figures
from core.desk.filters import CallFilter, ThreadFilter
from core.desk.oversight import Oversight
from core.desk.small_groups import MIN_PEOPLE
from core.errors import Denied, InvalidInput
from core.gate import Viewer
from core.store import Query
from core.values import FAILED_CALL, Outcome, Verdict
from tests.support.desks import HandClock
from tests.support.hand_made import Asked, fill
from tests.support.wrapped import WrappedStore

AUDITOR = Viewer("e-2001", {"auditor"}, purpose="quality sample")
OFFICER = Viewer("e-6001", {"data_protection_officer"}, purpose="yearly check")
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NOON = SINCE + timedelta(hours=12)
TOOLS = ("leave", "pay", "letter")
NUMBERS = count()
STATUSES = ("succeeded", "failed", "timed_out", "unknown", "awaiting_approval", "deferred", "unknown_tool", "denied")


def many(seed=7):
    """Questions of 40 people in 90 threads over three months, a tenth of the threads sealed."""
    chance = Random(seed)
    for thread in range(90):
        owner, sealed = f"e-{chance.randrange(40)}", chance.random() < 0.1
        at = SINCE + timedelta(days=chance.uniform(-45, 45))
        for _ in range(chance.randrange(1, 5)):
            at += timedelta(days=chance.uniform(0, 9))
            yield Asked(
                thread=f"t-{thread}",
                owner=owner,
                at=at,
                outcome=chance.choice(get_args(Outcome)),
                rating=chance.choice(("up", "down", None, None)),
                tools=[(chance.choice(TOOLS), chance.choice(STATUSES)) for _ in range(chance.randrange(3))],
                verdicts=chance.choices(get_args(Verdict), k=2) if chance.random() < 0.4 else (),
                seals=sealed,
                handed_over=chance.random() < 0.1,
                waits=chance.random() < 0.5,
            )


async def walked(search, wanted):
    """How many rows a list has, from its first page to its last."""
    rows, cursor = 0, None
    while True:
        page = await search(AUDITOR, wanted, limit=500, cursor=cursor)
        rows, cursor = rows + len(page.items), page.cursor
        if cursor is None:
            return rows


async def overview(store, since=SINCE, until=UNTIL):
    return (await Figures(store).overview(AUDITOR, since, until)).value


async def breakdown(store, by, **more):
    groups = (await Figures(store).breakdown(AUDITOR, by, SINCE, UNTIL, **more)).value
    return {group.name: group.withheld or group.figures for group in groups}


@pytest.mark.parametrize(("since", "until"), [(SINCE, UNTIL), (None, None), (SINCE, None), (NOON, NOON)])
async def test_a_figure_equals_the_length_of_the_list_that_it_opens(store, since, until):
    await fill(store, many())
    figures, oversight = await overview(store, since, until), Oversight(store)

    async def threads(**filters):
        return await walked(oversight.search_threads, ThreadFilter(since=since, until=until, **filters))

    async def calls(**filters):
        return await walked(oversight.search_calls, CallFilter(**filters))

    assert figures.listed.threads == await threads()
    for outcome in get_args(Outcome):
        assert figures.listed.outcomes[outcome] == await threads(outcomes=(outcome,))
    for rating in ("up", "down"):
        assert figures.listed.ratings[rating] == await threads(ratings=(rating,))
    for verdict in get_args(Verdict):
        assert figures.listed.verdicts[verdict] == await threads(verdicts=(verdict,))
    assert figures.span.tool_calls == await calls(since=since, until=until)
    assert figures.span.tool_errors == await calls(since=since, until=until, statuses=FAILED_CALL)
    assert figures.waiting_calls == await calls(waiting=True)
    assert figures.waiting_calls > await calls(statuses=("awaiting_approval",))
    assert figures.unknown_calls == await calls(unresolved=True)
    if since is None:
        assert min(figures.listed.outcomes.values()) > 5
        assert min(figures.listed.verdicts.values()) > 5
        assert min(figures.span.tool_errors, figures.waiting_calls, figures.unknown_calls) > 5


async def test_figures_count_the_questions_of_a_range_that_are_not_in_sealed_threads(store):
    asked = list(many())
    await fill(store, asked)
    sealed = {one.thread for one in asked if one.seals}
    for span, since, until in (
        ((await overview(store)).span, SINCE, UNTIL),
        ((await overview(store)).before, SINCE - (UNTIL - SINCE), SINCE),
    ):
        here = [one for one in asked if since <= one.at < until and one.thread not in sealed]
        assert span.questions == len(here) > 20
        assert span.outcomes["failed"] == sum(one.outcome == "failed" for one in here)
        assert span.ratings["down"] == sum(one.rating == "down" for one in here)
        assert span.verdicts["wrong"] == sum("wrong" in one.verdicts for one in here)
        assert span.handed_over.get("sent", 0) == sum(one.handed_over for one in here)
        day = min(span.days)
        assert sum(span.days[day].outcomes.values()) == sum(f"{one.at:%Y-%m-%d}" == day for one in here)
        assert sum(sum(one.outcomes.values()) for one in span.days.values()) == span.questions
        assert sum(one.tool_errors for one in span.days.values()) == span.tool_errors


async def test_a_range_without_a_beginning_has_no_range_before_it(store):
    assert (await overview(store, None, UNTIL)).before is None
    assert (await overview(store)).before.questions == 0


async def test_the_bill_is_whole_and_an_unknown_cost_is_counted_and_not_taken_for_0(store):
    await fill(
        store,
        [
            Asked(thread="a", owner="e-1", at=NOON, costs=(1_000, None)),
            Asked(thread="b", owner="e-2", at=NOON + timedelta(days=1), costs=(0, 30), model="n"),
            Asked(thread="c", owner="e-3", at=NOON, costs=(500,), seals=True),
            Asked(thread="d", owner="e-3", at=NOON - timedelta(days=1), costs=(7,)),
        ],
    )
    figures = await overview(store)
    spent = figures.span.spent
    assert (spent.calls, spent.failed, spent.cost, spent.cost_unknown) == (5, 1, 1_530, 1)
    assert figures.before.spent.cost == 7
    assert {model: one.cost for model, one in figures.span.models.items()} == {"m": 1_500, "n": 30}
    assert {day: (one.spent.cost, one.spent.cost_unknown) for day, one in figures.span.days.items()} == {
        "2026-11-01": (1_500, 1),
        "2026-11-02": (30, 0),
    }


async def test_a_percentile_is_at_most_a_tenth_above_the_true_one(store):
    waits = sorted(Random(3).choices(range(1, 20_000), k=300))
    await fill(
        store, [Asked(thread=f"t-{i}", owner="e-1", at=NOON, wait=wait) for i, wait in enumerate([*waits, None])]
    )
    first_text = (await overview(store)).span.first_text
    for shown, true in ((first_text.p50, waits[149]), (first_text.p95, waits[284])):
        assert true <= shown <= 1.1 * true
    assert (await overview(store)).span.days["2026-11-01"].first_text == first_text
    assert (await overview(store)).before.first_text.p95 is None


async def test_care_is_counted_with_sealed_threads_and_never_for_fewer_than_ten_people(store):
    def in_need(topic, people):
        # Two questions each: it is people that count.
        return [
            Asked(thread=f"{topic}-{i}", owner=f"e-{i // 2}", at=NOON.replace(month=9), topic=topic, seals=True)
            for i in range(2 * people)
        ]

    await fill(store, [*in_need("illness", MIN_PEOPLE), *in_need("debt", MIN_PEOPLE - 1)])
    whole = SINCE.replace(month=9), SINCE.replace(month=10)
    assert (await overview(store, *whole)).span.care == {"illness": 2 * MIN_PEOPLE}
    assert (await overview(store, *whole)).span.questions == 0


async def test_no_two_times_differ_by_one_question_of_a_person_in_need(store):
    months = [NOON.replace(month=9, day=5 + i // 5) for i in range(MIN_PEOPLE + 1)]
    await fill(
        store,
        [Asked(thread=f"t-{i}", owner=f"e-{i}", at=at, topic="illness", seals=True) for i, at in enumerate(months)],
    )
    first, following = SINCE.replace(month=9), SINCE.replace(month=10)
    assert (await overview(store, first, following)).span.care == {"illness": MIN_PEOPLE + 1}
    for until in (*months, *(at + timedelta(minutes=1) for at in months), following - timedelta(seconds=1)):
        assert (await overview(store, first, until)).span.care == {}
    assert (await overview(store, first + timedelta(seconds=1), None)).span.care == {}


def of_people(first, people, each=2, **more):
    """Threads of a question each, `each` of so many people: e-<first> and on."""
    return [
        Asked(thread=f"t-{next(NUMBERS)}", owner=f"e-{first + i // each}", at=NOON, **more)
        for i in range(people * each)
    ]


async def test_a_group_of_fewer_than_ten_people_has_no_figures(store):
    await fill(
        store,
        [
            *of_people(0, 20, country="austria", rating="down", wait=3_000),
            *of_people(20, 30, country="germany", outcome="failed"),
            *of_people(50, 9, country="uk"),
            *of_people(60, 4, country=None),
        ],
    )
    groups = await breakdown(store, "country")
    assert list(groups) == ["germany", "austria", None, "uk"]
    assert (groups["uk"], groups[None]) == ("few", "few")
    austria, germany = groups["austria"], groups["germany"]
    assert (austria.count, austria.sourced, austria.failed, austria.rated_down, austria.p95) == (40, 40, 0, 40, 3_000)
    assert (germany.count, germany.sourced, germany.failed, germany.rated_down, germany.p95) == (60, 0, 60, 0, 400)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a": 9}, {"a": "few"}),
        ({"a": 10}, {}),
        ({"a": 9, "b": 10}, {"a": "few", "b": "cover"}),
        ({"a": 9, "b": 11, "c": 10, "d": 30}, {"a": "few", "c": "cover"}),
        ({"a": 1, "b": 2, "c": 30, "d": 20}, {"a": "few", "b": "few", "d": "cover"}),
        ({"a": 5, "b": 5, "c": 30}, {"a": "few", "b": "few"}),
    ],
)
async def test_what_is_withheld_is_never_the_total_minus_what_is_shown(store, sizes, expected):
    asked, first = [], 0
    for country, people in sizes.items():
        asked += of_people(first, people, each=1, country=country)
        first += people
    await fill(store, asked)
    groups = await breakdown(store, "country")
    assert {name: group for name, group in groups.items() if isinstance(group, str)} == expected
    # The attack: the total, from the overview, minus every group that is shown.
    total = (await overview(store)).span.questions
    rest = total - sum(group.count for group in groups.values() if not isinstance(group, str))
    if len(sizes) > 1:
        assert rest == 0 or rest >= MIN_PEOPLE
        assert rest not in {people for name, people in sizes.items() if name in expected}


async def test_withheld_groups_are_enough_people_even_if_the_same_ones_are_in_several(store):
    few = [
        Asked(thread=f"{tool}-{i}", owner=f"e-{i}", at=NOON, tools=[(tool, "failed")])
        for tool in ("pay", "letter")
        for i in range(6)
    ]
    enough = [
        Asked(thread=f"{tool}-{i}", owner=f"e-{i}", at=NOON, tools=[(tool, "failed"), (tool, "succeeded")])
        for tool, people in (("leave", 20), ("book", 30))
        for i in range(people)
    ]
    await fill(store, [*few, *enough])
    groups = await breakdown(store, "tool")
    assert (groups["pay"], groups["letter"], groups["leave"]) == ("few", "few", "cover")
    book = groups["book"]
    assert (book.count, book.failed, book.sourced, book.rated_down, book.p95) == (60, 30, None, None, 400)


async def test_an_answer_counts_for_each_handbook_that_it_cites(store):
    await fill(
        store,
        [
            *of_people(0, 12, handbooks=("leave", "pay")),
            *of_people(0, 12, handbooks=("leave",), seals=True),
            *of_people(20, 15, handbooks=("pay",)),
            *of_people(40, 15, outcome="not_found"),
        ],
    )
    groups = await breakdown(store, "handbook", handbooks=["leave", "pay", "unread"])
    assert {name: figures.count for name, figures in groups.items()} == {"pay": 54, "leave": 24}


async def test_officers_see_the_same_figures_and_other_roles_none(store):
    await fill(store, many())
    figures = Figures(store)
    seen = await figures.overview(AUDITOR, SINCE, UNTIL)
    assert (await figures.overview(OFFICER, SINCE, UNTIL)).value == seen.value
    with pytest.raises(Denied):
        await figures.overview(Viewer("e-5001", {"employee", "handler"}, purpose="on duty"), SINCE, UNTIL)
    with pytest.raises(InvalidInput, match="purpose"):
        await figures.breakdown(Viewer("e-2001", {"auditor"}), "tool", SINCE, UNTIL)


async def test_a_look_at_figures_is_on_record_once_and_says_of_which_time(store):
    for _ in range(2):
        await Figures(store).breakdown(AUDITOR, "tool", SINCE, None)
    (entry,) = await store.read("audit:e-2001")
    assert (entry.shell["action"], entry.shell["filters"]) == (
        "figures.read",
        {"figures": "tool", "since": "2026-11-01T00:00:00.000Z"},
    )


async def test_figures_are_counted_once_a_minute_and_say_when():
    class Counting(WrappedStore):
        tallies = 0

        async def tally(self, query, by, sums=()):
            self.tallies += 1
            return await super().tally(query, by, sums)

    async with open_store("memory:") as store:
        counting, clock = Counting(store), HandClock()
        figures = Figures(counting, clock=clock)
        first = await figures.overview(AUDITOR, SINCE, UNTIL)
        once = counting.tallies
        clock.advance(30)
        assert await figures.overview(OFFICER, SINCE, UNTIL) == first
        assert counting.tallies == once
        clock.advance(31)
        assert (await figures.overview(AUDITOR, SINCE, UNTIL)).at > first.at
        assert counting.tallies == 2 * once


async def test_the_store_counts_and_no_question_is_read():
    class NoTurns(WrappedStore):
        async def find(self, query: Query):
            assert query.kind == "thread"
            assert query.where == {"sealed": True}
            return await super().find(query)

    async with open_store("memory:") as store:
        await fill(store, many())
        assert (await overview(NoTurns(store))).span.questions > 0
        assert await breakdown(NoTurns(store), "country")
