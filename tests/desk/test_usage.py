"""Usage: what entities, models and days took, without that of a few people; and each person's own."""

from datetime import UTC, datetime, timedelta

import pytest

from backends.models.scripted.model import Bill, Call, Say, ScriptedModel
from core import Denied, Desk, InvalidInput, Usage, Viewer, tool
from core.desk.figures import Figures
from core.desk.own_data import OwnData, OwnUsage, OwnUsed
from core.desk.small_groups import MIN_PEOPLE
from core.log.records import Totals
from core.store import Query
from tests.support.desks import QUICK, HandClock, ended
from tests.support.hand_made import Asked, fill
from tests.support.wrapped import WrappedStore

ADMINISTRATOR = Viewer("e-7001", {"administrator"})
AUDITOR = Viewer("e-2001", {"auditor"}, purpose="yearly check")
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NOON = SINCE + timedelta(hours=12)


@pytest.fixture
def store(every_store):
    return every_store


def of_people(name, first, people, *, at=NOON, **more):
    """A thread with a question for each of so many people: e-<first> and on."""
    return [Asked(thread=f"{name}-{i}", owner=f"e-{first + i}", at=at, **more) for i in range(people)]


async def usage(store, by, since=SINCE, until=UNTIL):
    return (await Figures(store).usage(ADMINISTRATOR, by, since, until)).value


def shown(report):
    """The groups in their order, with why each is withheld, or with people, turns, model calls and the bill."""
    return {
        group.name: group.withheld
        or (
            group.used.people,
            group.used.turns,
            group.used.spent.calls,
            group.used.spent.input_tokens,
            group.used.spent.output_tokens,
            group.used.spent.tokens_unknown,
            group.used.spent.cost,
            group.used.spent.cost_unknown,
        )
        for group in report.groups
    }


async def test_each_group_has_its_people_turns_model_calls_tokens_and_costs(store):
    await fill(
        store,
        [
            *of_people("a", 0, 12, entity="acme austria", costs=(5, None)),
            *of_people("b", 0, 10, entity="acme austria", model="n", at=NOON + timedelta(days=1), costs=(1_000, 1)),
            *of_people("c", 20, 15, entity="acme germany", model="n"),
            *of_people("d", 40, 11),
            *of_people("before", 60, 20, at=SINCE - timedelta(milliseconds=1), entity="acme germany"),
            *of_people("after", 60, 20, at=UNTIL),
        ],
    )
    of_austria = (12, 22, 44, 32_000, 640, 12, 12 * 5 + 10 * 1_001, 12)
    assert list(shown(await usage(store, "entity")).items()) == [
        ("acme germany", (15, 15, 15, 15_000, 300, 0, 15_000, 0)),
        (None, (11, 11, 11, 11_000, 220, 0, 11_000, 0)),
        ("acme austria", of_austria),
    ]
    by_model = await usage(store, "model")
    assert list(shown(by_model).items()) == [
        ("n", (25, 25, 35, 35_000, 700, 0, 15_000 + 10 * 1_001, 0)),
        ("m", (23, 23, 35, 23_000, 460, 12, 11_000 + 12 * 5, 12)),
    ]
    assert list(shown(await usage(store, "day")).items()) == [
        ("2026-11-01", (38, 38, 50, 38_000, 760, 12, 15_000 + 11_000 + 60, 12)),
        ("2026-11-02", (10, 10, 20, 20_000, 400, 0, 10_010, 0)),
    ]
    for report in (by_model, await usage(store, "day"), await usage(store, "entity")):
        total = report.total
        assert (total.people, total.turns, total.spent.calls, total.spent.failed) == (38, 48, 70, 12)
        assert total.spent.cost == sum(group.used.spent.cost for group in report.groups)


@pytest.mark.parametrize("by", ["entity", "model", "day"])
async def test_a_group_of_few_people_is_withheld_and_the_total_minus_the_shown_ones_is_never_it(store, by):
    def group(number, first, people):
        at = NOON + timedelta(days=number)
        return of_people(f"g{number}", first, people, at=at, entity=f"entity {number}", model=f"m{number}")

    await fill(store, [*group(1, 0, 30), *group(2, 30, MIN_PEOPLE - 1), *group(3, 50, 20)])
    report = await usage(store, by)
    assert [one.withheld for one in sorted(report.groups, key=lambda one: one.name)] == [None, "few", "cover"]
    assert all((one.used is None) == bool(one.withheld) for one in report.groups)
    rest = report.total.turns - sum(one.used.turns for one in report.groups if one.used)
    assert rest == 20 + MIN_PEOPLE - 1


@pytest.mark.parametrize("by", ["entity", "model", "day"])
async def test_fewer_than_ten_people_in_all_have_no_total(store, by):
    asked = [*of_people("a", 0, MIN_PEOPLE - 1, entity="x"), *of_people("b", 0, 5, entity="y")]
    await fill(store, asked)
    report = await usage(store, by)
    assert report.total is None
    assert {one.withheld for one in report.groups} == {"few"}


async def test_the_cost_of_one_person_is_not_that_of_ten_whose_questions_no_model_was_asked(store):
    await fill(store, [*of_people("a", 0, 1, costs=(99,)), *of_people("b", 1, 15, costs=())])
    report = await usage(store, "day")
    assert shown(report) == {"2026-11-01": "few"}
    assert report.total is None


async def test_sealed_threads_are_in_the_bill_and_in_no_count(store):
    await fill(store, [*of_people("a", 0, 12), *of_people("b", 0, 3, seals=True, costs=(7,))])
    (group,) = (await usage(store, "entity")).groups
    assert (group.used.turns, group.used.people, group.used.spent.calls) == (12, 12, 15)
    assert group.used.spent.cost == 12_021


async def test_usage_is_counted_in_whole_utc_days(store):
    figures = Figures(store)
    vienna = datetime.fromisoformat("2026-11-01T01:00+01:00")
    assert (await figures.usage(ADMINISTRATOR, "day", vienna, None)).value.groups == []
    for since, until in ((NOON, None), (None, UNTIL - timedelta(milliseconds=1))):
        with pytest.raises(InvalidInput, match="whole UTC days"):
            await figures.usage(ADMINISTRATOR, "day", since, until)


async def test_administrators_and_auditors_read_it_and_each_look_is_on_record(store):
    await fill(store, of_people("a", 0, 12))
    figures = Figures(store)
    assert (await figures.usage(AUDITOR, "model", SINCE, None)).value == await usage(store, "model", SINCE, None)
    (entry,) = await store.read("audit:e-2001")
    assert (entry.shell["action"], entry.shell["filters"]) == (
        "usage.read",
        {"figures": "model", "since": "2026-11-01T00:00:00.000Z"},
    )
    for other in (Viewer("e-1042"), Viewer("e-6001", {"data_protection_officer", "handler"}, purpose="yearly check")):
        with pytest.raises(Denied):
            await figures.usage(other, "model", SINCE, None)


async def test_the_store_counts_and_reads_no_turn_and_no_call(store):
    class NoTurns(WrappedStore):
        async def find(self, query: Query):
            assert query.where == {"sealed": True}
            return await super().find(query)

    await fill(store, of_people("a", 0, 12))
    for by in ("entity", "model", "day"):
        assert (await usage(NoTurns(store), by)).total.turns == 12
    await OwnData(NoTurns(store)).usage(Viewer("e-1"))


class Clock(HandClock):
    """The noon of a day in the middle of a month."""

    def now(self):
        return SINCE.replace(day=15, hour=12)


async def test_a_person_sees_their_own_usage_of_today_and_of_this_month_and_no_others(store):
    today = SINCE.replace(day=15)
    await fill(
        store,
        [
            *of_people("today", 0, 2, at=today, costs=(5, None), tools=[("leave", "succeeded")]),
            *of_people("yesterday", 0, 1, at=today - timedelta(milliseconds=1), costs=(3,)),
            *of_people("first", 0, 1, at=SINCE, costs=(2,), seals=True),
            *of_people("before", 0, 1, at=SINCE - timedelta(milliseconds=1)),
        ],
    )
    own = OwnData(store, clock=Clock())
    used = await own.usage(Viewer("e-0"))
    of_one = Totals(model_calls=1, input_tokens=1_000, output_tokens=20)
    of_today = of_one.model_copy(
        update={"model_calls": 2, "tool_calls": 1, "tokens_unknown": 1, "cost": 5, "cost_unknown": 1}
    )
    assert used.today == OwnUsed(turns=1, totals=of_today)
    of_month = {"model_calls": 4, "input_tokens": 3_000, "output_tokens": 60, "cost": 10}
    assert used.month == OwnUsed(turns=3, totals=of_today.model_copy(update=of_month))
    nothing = OwnUsed(turns=0, totals=Totals())
    assert await own.usage(Viewer("e-99")) == OwnUsage(today=nothing, month=nothing)


@tool(effect="read")
def leave() -> str:
    """Leave."""
    return "12 days"


async def test_a_desk_keeps_the_askers_entity_with_each_turn_and_model_call(store):
    said = [[Call("leave", {})], [Say("Twelve."), Bill(Usage(input=100, output=5))]]
    asker = Viewer("e-1042", entity="Acme Austria")
    async with Desk(store, ScriptedModel(said), tools=[leave], options=QUICK, clock=Clock()) as desk:
        thread = await desk.create_thread(asker)
        turn = await ended(desk, await desk.submit(asker, thread.id, "How many?"), asker)
        assert turn.entity == "acme austria"
        calls = await desk.archive.model_calls(asker, thread.id)
        assert [call.entity for call in calls] == ["acme austria"] * 2
        used = await desk.own_data.usage(asker)
        assert used.today.turns == used.month.turns == 1
        assert used.today.totals == turn.totals
