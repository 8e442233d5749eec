"""Figures on a page: tiles with their change, charts with a table of the same numbers, and groups."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, TypeAlias

import streamlit as st

from console.drawing.periods import Period
from console.drawing.status_words import OUTCOME_WORDS
from console.drawing.text import label
from console.format import bill, took, why_withheld
from core.desk.bills import Spent
from core.desk.figures import DayFigures, FirstText, Group
from core.desk.small_groups import MIN_PEOPLE
from core.values import Outcome

Better: TypeAlias = Literal["more", "less", "neither"]
_COLORS: Mapping[Better, Literal["normal", "inverse", "off"]] = {"more": "normal", "less": "inverse", "neither": "off"}
_HEIGHT = 260

SHOWN_OUTCOMES: tuple[Outcome, ...] = ("sourced", "unsourced", "not_found", "failed", "stopped", "waiting", "running")
"""The outcomes in the order of charts and tables."""

_NONE = DayFigures(outcomes={}, ratings={}, tool_errors=0, first_text=FirstText(p50=None, p95=None), spent=Spent())


def days_of(chosen: Period, figures: Mapping[str, DayFigures], today: date) -> dict[date, DayFigures]:
    """The figures of each day of the period up to today, those of days without any too.

    A period without a beginning begins with the first figures.
    """
    first = chosen.since.date() if chosen.since else date.fromisoformat(min(figures, default=today.isoformat()))
    last = min(today, chosen.until.date() - timedelta(days=1)) if chosen.until else today
    return {day: figures.get(day.isoformat(), _NONE) for day in _each(first, last)}


def draw_figure(
    name: str,
    value: str,
    change: str | int | None,
    better: Better,
    series: Sequence[float] = (),
) -> None:
    """A figure, its change since the period before, and its course by day.

    `change` begins with its sign; None: it cannot be compared. `better` says which change is the good one.
    """
    st.metric(
        name,
        value,
        change,
        delta_color=_COLORS[better],
        delta_description="than before" if change is not None else None,
        chart_data=list(series) if len(series) > 1 and any(series) else None,
        chart_type="bar",
    )


def draw_count(name: str, now: int, before: int | None, better: Better, series: Sequence[int] = ()) -> None:
    """A count and how much it has changed. `before` is None if it cannot be compared."""
    change = None if before is None else f"{now - before:+,}" if now != before else 0
    draw_figure(name, f"{now:,}", change, better, series)


def draw_share(
    name: str, now: tuple[int, int], before: tuple[int, int] | None, better: Better, series: Sequence[int]
) -> None:
    """A count, its share of a whole, and how much the share has changed, in percentage points: `312 · 78%`."""
    count, whole = now
    change: str | int | None = None
    if before is not None and whole and before[1]:
        points = round(100 * (count / whole - before[0] / before[1]), 1)
        change = f"{points:+.1f} points" if points else 0
    draw_figure(name, f"{count:,} · {count / whole:.0%}" if whole else f"{count:,}", change, better, series)


def draw_outcomes(days: Mapping[date, DayFigures]) -> None:
    """Questions per day by what came of them."""
    names = [day.isoformat() for day in days]
    counts = {outcome: [day.outcomes.get(outcome, 0) for day in days.values()] for outcome in SHOWN_OUTCOMES}
    st.subheader("Questions per day")
    # Not a bar chart of Streamlit: on a phone its legend would be cut off. Outcomes without questions are there too, so
    # that each keeps its colour.
    st.echarts_chart(
        {
            "tooltip": {"trigger": "axis"},
            "legend": {"bottom": 0},
            "grid": {"left": 8, "right": 8, "top": 16, "bottom": 110, "containLabel": True},
            "xAxis": {"type": "category", "data": names},
            "yAxis": {"type": "value", "minInterval": 1},
            "series": [
                {"name": OUTCOME_WORDS[outcome].text, "type": "bar", "stack": "questions", "data": counted}
                for outcome, counted in counts.items()
            ],
        },
        height=_HEIGHT + 100,
        alt="Questions per day by what came of them, as stacked bars. The table below has the same numbers.",
    )
    _draw_table(
        {"Day": names} | {OUTCOME_WORDS[outcome].text: counted for outcome, counted in counts.items() if any(counted)}
    )


def draw_costs(days: Mapping[date, DayFigures]) -> None:
    """What model calls cost per day."""
    st.subheader("Cost per day")
    st.bar_chart(
        {"Day": list(days), "Known cost": [day.spent.cost / 1e9 for day in days.values()]},
        x="Day",
        y="Known cost",
        color="primary",
        y_label="US dollars",
        height=_HEIGHT,
        alt="Known cost of model calls per day, as bars. The table below has the same numbers.",
    )
    _draw_table(
        {
            "Day": list(days),
            "Cost": [bill(day.spent) for day in days.values()],
            "Model calls": [day.spent.calls for day in days.values()],
            "Failed": [day.spent.failed for day in days.values()],
        }
    )


def draw_waits(days: Mapping[date, DayFigures]) -> None:
    """How long answers took to begin, per day."""
    st.subheader("Time to the first text per day")
    bounds = [day.first_text.p95 for day in days.values()]
    st.bar_chart(
        {"Day": list(days), "95 % within": [None if bound is None else bound / 1000 for bound in bounds]},
        x="Day",
        y="95 % within",
        color="primary",
        y_label="Seconds",
        height=_HEIGHT,
        alt="Seconds within which 95 % of the answers began, per day, as bars. The table below has the same numbers.",
    )
    _draw_table(
        {
            "Day": list(days),
            "Half within": [_bound(day.first_text.p50) for day in days.values()],
            "95 % within": [_bound(bound) for bound in bounds],
        }
    )


def draw_models(models: Mapping[str, Spent]) -> None:
    """What each model cost, the dearest first."""
    spent = sorted(models.items(), key=lambda one: (-one[1].cost, one[0]))
    st.table(
        {
            "Model": [label(model) for model, _ in spent],
            "Cost": [label(bill(one)) for _, one in spent],
            "Calls": [f"{one.calls:,}" for _, one in spent],
            "Failed": [f"{one.failed:,}" for _, one in spent],
        },
        hide_index=True,
        alt="Cost, calls and failed calls of each model",
    )


def draw_groups(groups: Sequence[Group], names: Mapping[str, str], what: str) -> None:
    """The figures of each group, and in place of withheld ones why they are. `names` are the words for their names."""
    of_calls = what == "Tool"
    rows = [(group, group.figures) for group in groups]
    data: dict[str, list[str]] = {
        what: [label(names.get(group.name, group.name) if group.name else "Unknown") for group, _ in rows],
        "Calls" if of_calls else "Answers": [
            f"{one.count:,}" if one else why_withheld(group.withheld) for group, one in rows
        ],
        "Failed": [f"{one.failed:,}" if one else "" for _, one in rows],
    }
    if not of_calls:
        data |= {
            "With a source": [f"{(one.sourced or 0) / one.count:.0%}" if one else "" for _, one in rows],
            "Rated down": [f"{one.rated_down or 0:,}" if one else "" for _, one in rows],
        }
    data["95 % end within" if of_calls else "95 % begin within"] = [_bound(one.p95) if one else "" for _, one in rows]
    if groups:
        st.table(data, hide_index=True, alt=f"Figures by {what.lower()}")
    else:
        st.caption("No figures in this time.")


def draw_care(topics: Mapping[str, int]) -> None:
    """How many questions came from people in need, by topic, without a way to any of them."""
    shown = sorted(topics.items(), key=lambda one: (-one[1], one[0]))
    # The last row is always there: whether there is any such question on a day would tell of one person.
    st.table(
        {
            "Topic": [*(label(topic.replace("_", " ").capitalize()) for topic, _ in shown), "Each other topic"],
            "Questions": [*(f"{count:,}" for _, count in shown), f"fewer than {MIN_PEOPLE} people"],
        },
        hide_index=True,
        alt="Questions of people in need by topic",
    )


def _draw_table(data: Mapping[str, Sequence[object]]) -> None:
    with st.expander("Table"):
        st.table(
            {name: [label(str(value)) for value in values] for name, values in data.items()},
            hide_index=True,
            alt="The numbers of the chart above",
        )


def _bound(milliseconds: int | None) -> str:
    return took(milliseconds) if milliseconds is not None else ""


def _each(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
