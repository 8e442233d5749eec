"""The demo's leave: counted with the holidays of the employee's own country, and refused in plain words."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.models.offline.model import OfflineModel
from backends.stores.memory import MemoryStore
from console.demo.records import HrRecords, counted, working_days
from console.demo.tools import hr_tools
from core import Viewer
from tests.support.desks import chatting

DAY = date(2026, 11, 24)


@pytest.fixture
def records() -> Iterator[HrRecords]:
    opened = HrRecords(":memory:", lambda: DAY)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("country", "first", "last", "days"),
    [
        ("austria", (2026, 10, 26), (2026, 10, 26), 0),  # National Day
        ("uk", (2026, 10, 26), (2026, 10, 26), 1),
        ("austria", (2026, 12, 8), (2026, 12, 8), 0),
        ("germany", (2026, 12, 8), (2026, 12, 8), 1),
        ("germany", (2026, 11, 18), (2026, 11, 18), 0),  # Day of Repentance and Prayer, in Saxony only
        ("uk", (2026, 8, 31), (2026, 8, 31), 0),  # the summer bank holiday, not in Scotland
        ("uk", (2026, 12, 28), (2026, 12, 28), 0),  # in place of 26 December, a Saturday
        ("austria", (2026, 12, 28), (2026, 12, 28), 1),
        ("austria", (2027, 3, 26), (2027, 3, 29), 1),  # Good Friday counts, Easter Monday does not
        ("uk", (2027, 3, 26), (2027, 3, 29), 0),
        ("austria", (2026, 12, 24), (2026, 12, 24), 0),  # the company's
        ("uk", (2026, 12, 31), (2026, 12, 31), 0),
        (None, (2026, 12, 21), (2026, 12, 27), 4),
    ],
)
def test_leave_is_counted_with_the_holidays_of_the_employees_country(country, first, last, days):
    assert len(working_days(date(*first), date(*last), country)) == days


@pytest.mark.parametrize("names", [("austria", "AT", "aut"), ("uk", "GB", "United Kingdom"), ("germany", "de", "DEU")])
def test_a_country_may_be_given_by_its_name_or_a_code(names):
    year = date(2026, 1, 1), date(2026, 12, 31)
    assert len({tuple(working_days(*year, name)) for name in names}) == 1
    assert len({counted(name) for name in names}) == 1
    assert working_days(*year, names[0]) != working_days(*year, None)


@pytest.mark.parametrize(
    ("country", "said"), [("atlantis", "Atlantis are not known"), (None, "your country are not"), ("", "your country")]
)
def test_an_unknown_country_counts_monday_to_friday_and_says_so(records, country, said):
    booked = records.book_leave("k", "e-1203", country, "annual", date(2026, 12, 7), date(2026, 12, 9))
    assert booked["working_days"] == 3
    assert said in str(booked["counted"])
    assert said in str(records.balance("e-1203", country)["counted"])


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.integers(0, 60),
    st.sampled_from(["austria", "germany", "uk", "france", "atlantis", None]),
)
def test_working_days_are_weekdays_within_the_dates_and_add_up(first, length, country):
    last = first + timedelta(days=length)
    days = working_days(first, last, country)
    assert all(first <= day <= last and day.weekday() < 5 for day in days)
    middle = first + timedelta(days=length // 2)
    after = working_days(middle + timedelta(days=1), last, country)
    assert days == working_days(first, middle, country) + after


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ((2026, 11, 20), (2026, 12, 1), "The first day is in the past."),
        ((2026, 12, 9), (2026, 12, 7), "The last day is before the first one."),
        ((2026, 12, 30), (2027, 1, 5), "Leave across two years must be requested separately for each year."),
        ((2026, 12, 26), (2026, 12, 28), "These dates include no working day"),
    ],
)
async def test_a_request_from_york_that_cannot_be_granted_is_refused_in_plain_words(records, first, last, said):
    york = Viewer("e-1203", country="uk")
    question = f"Please request leave from {date(*first)} to {date(*last)}"
    model = OfflineModel(delay=0)
    async with chatting(MemoryStore(), model, user=york, tools=hr_tools(records)) as chat:
        reply = await chat.ask(question)
        (call,) = reply.tool_calls
        await chat.desk.decide(york, call.id, "approve", call.digest)
        async for _ in chat.desk.follow(york, reply.turn_id):
            pass
        view = await chat.desk.archive.turn_view(york, reply.turn_id)
    assert said in view.turn.text
    assert "Error" not in view.turn.text
    assert view.calls[0].code == "refused"


def test_an_employee_without_a_record_is_told_so_in_words(records):
    with pytest.raises(ValueError, match="There is no HR record for you"):
        records.balance("e-9999", "austria")
