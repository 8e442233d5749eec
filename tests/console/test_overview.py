"""The Overview: what each role sees of the figures, and where its links lead."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from console.app import app
from console.drawing.figures import days_of
from console.drawing.periods import Period
from console.format import bill
from core.desk.bills import Spent
from core.desk.figures import DayFigures, FirstText
from tests.console.test_pages import AUDITOR, EMPLOYEE, OFFICER, open_as, texts  # noqa: F401 # a fixture
from tests.support.hand_made import Asked, fill

NOW = datetime.now(UTC)


def many():
    """Questions of 12 people in Austria and of one in the UK, half of them from before these 30 days."""
    for i in range(24):
        yield Asked(
            thread=f"t-{i}",
            owner=f"e-{i // 2}",
            at=NOW - timedelta(days=40 * (i % 2), minutes=5),
            outcome="failed" if i % 6 == 0 else "sourced",
            rating="down" if i == 2 else None,
            handbooks=("leave/annual-leave",),
            tools=[("vacation_balance", "timed_out" if i == 4 else "succeeded")],
            costs=(2_000_000, None),
            verdicts=["wrong"] if i == 2 else (),
        )
    for i in range(2):
        yield Asked(thread=f"uk-{i}", owner="e-1203", at=NOW - timedelta(minutes=5), country="uk", tools=[])


@pytest.fixture
def overview(open_as):  # noqa: F811
    """Opens the Overview over a store with those questions."""

    def open(viewer, questions=None, **query):
        open_as(EMPLOYEE)
        app().run(fill(app().desk._store, many() if questions is None else questions))
        at = open_as(viewer, "overview", **query)
        assert not at.exception
        return at

    return open


def figures(at):
    return {metric.label: metric.value.replace("\\", "") for metric in at.metric}


def links(at):
    """The links by their text: the page, and its parameters."""
    return {
        link.proto.label: (link.proto.page, parse_qs(link.proto.query_string))
        for link in at.get("page_link")
        if link.proto.label.startswith("Open ")
    }


def test_an_auditor_sees_figures_that_open_the_lists_they_count(overview):
    at = overview(AUDITOR)
    shown = figures(at)
    assert shown["Questions"] == "14"
    assert shown["Failed"] == "4 · 29%"
    assert shown["Tool errors"] == "1 · 8%"
    assert shown["Judged: wrong"] == "1"
    assert shown["Cost"] == "$0.024"
    assert "And 12 calls unknown" in texts(at)
    opens = links(at)
    assert opens["Open 4 threads"][1] == {"th_time": ["30d"], "th_outcome": ["failed"]}
    assert opens["Open 1 call"][1] == {"tc_time": ["30d"], "tc_status": ["failed"]}
    assert opens["Open 14 threads in all, sealed ones too"][1] == {"th_time": ["30d"]}


def test_an_officer_sees_the_same_figures_and_no_way_to_what_they_may_not_open(overview):
    seen = figures(overview(AUDITOR))
    at = overview(OFFICER, [])
    assert figures(at) == seen
    assert links(at) == {}
    assert "4 threads" in texts(at)


def test_a_click_shows_the_cost_of_last_month(overview):
    last = NOW.replace(day=1) - timedelta(days=1)
    at = overview(AUDITOR, [*many(), Asked(thread="last", owner="e-1", at=last, costs=(1_230_000_000,))])
    at.radio(key="ov_time").set_value("last_month").run()
    earlier = [one for one in many() if f"{one.at:%Y-%m}" == f"{last:%Y-%m}"]
    assert figures(at)["Cost"] == f"${1.23 + 0.002 * len(earlier):.2f}"
    assert "Before: $" in texts(at).replace("\\", "")
    at.radio(key="ov_time").set_value("all").run()
    assert figures(at)["Questions"] == "27"
    assert "Before:" not in texts(at)


def test_without_questions_the_page_says_so(overview):
    at = overview(AUDITOR, [])
    assert "No questions were asked in this time" in texts(at)
    assert "Questions" not in figures(at)


def test_a_small_group_has_no_figures_on_the_page(overview):
    at = overview(AUDITOR)
    (countries,) = [table.value for table in at.get("table") if "Country" in table.value]
    shown = dict(zip(countries["Country"], countries["Answers"], strict=True))
    assert shown == {"Austria": "withheld: it would give away a smaller one", "UK": "fewer than 10 people"}


def test_the_tabs_break_figures_down_by_handbook_and_tool(overview):
    at = overview(AUDITOR, ov_by="Tool")
    (tools,) = [table.value for table in at.get("table") if "Tool" in table.value]
    assert (list(tools["Calls"]), list(tools["Failed"])) == (["12"], ["1"])
    assert links(at)["Open 12 calls of Vacation balance"][1] == {"tc_time": ["30d"], "tc_tool": ["vacation_balance"]}
    at = overview(AUDITOR, [], ov_by="Handbook")
    (handbooks,) = [table.value for table in at.get("table") if "Handbook" in table.value]
    assert (list(handbooks["Handbook"]), list(handbooks["Answers"])) == (["Annual leave"], ["12"])
    opened = links(at)["Open threads citing Annual leave"][1]
    assert opened == {"th_time": ["30d"], "th_handbook": ["leave/annual-leave"]}


@pytest.mark.parametrize(
    ("spent", "text"),
    [
        (Spent(calls=3, cost=0, cost_unknown=3), "unknown"),
        (Spent(calls=3, cost=0, cost_unknown=1), "$0 + 1 call unknown"),
        (Spent(calls=3, cost=20_000_000), "$0.020"),
        (Spent(), "$0"),
    ],
)
def test_a_cost_that_is_wholly_unknown_is_not_0(spent, text):
    assert bill(spent) == text


def day_with(questions):
    return DayFigures(
        outcomes={"sourced": questions},
        ratings={},
        tool_errors=0,
        first_text=FirstText(p50=None, p95=None),
        spent=Spent(),
    )


def test_a_chart_has_every_day_of_its_period_up_to_today():
    figures = {"2026-11-03": day_with(2)}
    november = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    days = days_of(november, figures, date(2026, 11, 5))
    assert [day.day for day in days] == [1, 2, 3, 4, 5]
    assert [day.outcomes.get("sourced", 0) for day in days.values()] == [0, 0, 2, 0, 0]
    assert len(days_of(november, figures, date(2027, 1, 5))) == 30
    assert [day.day for day in days_of(Period(None, None), figures, date(2026, 11, 5))] == [3, 4, 5]
