"""Figures and days of a question, and the rows and items that hold for them."""

import pytest

from backends.passages.quantities import fitting

STEPS = ("after 2 years: one month", "after 5 years: two months", "more than ten years: three months")
SERVICE = ("| Under 2 years | 6 weeks |", "| 2 years | 2 months |", "| 5 years | 3 months |", "| 25 years | 5 months |")
GRADES = ("| Grade 1-3 | 5% |", "| Grade 4 to 6 | 8% |", "| grades 7 and 8 | 12% |")
AMOUNTS = ("| up to €100 | the line manager |", "| €100 to €500 | the head |", "| over €500 | the board |")
BARE = ("| Up to 5 | 1 month |", "| More than 5 | 2 months |")
CEILINGS = ("| 2 | 1 month |", "| 5 | 2 months |", "| 10 | 3 months |")


@pytest.mark.parametrize(
    ("question", "rows", "head", "places"),
    [
        ("after 6 years", STEPS, "", {1}),
        ("after eleven years", STEPS, "", {2}),
        ("after ten years", STEPS, "", {1}),
        ("my first year", STEPS, "", set()),
        ("after 1 year", SERVICE, "| Service | Notice |", {0}),
        ("after six years", SERVICE, "| Service | Notice |", {2}),
        ("after more than 30 years", SERVICE, "| Service | Notice |", {3}),
        ("after 24 months", SERVICE, "| Service | Notice |", {1}),
        ("in grade 5", GRADES, "| Grade | Bonus |", {1}),
        ("for grade 8?", GRADES, "| Grade | Bonus |", {2}),
        ("who approves €300?", AMOUNTS, "| Amount | Who |", {1}),
        ("who approves 2,000 euros?", AMOUNTS, "| Amount | Who |", {2}),
        ("after 5 years", BARE, "| Years of service | Notice |", {0}),
        ("after 6 years", BARE, "| Years of service | Notice |", {1}),
        ("after 4 years", CEILINGS, "| Service up to (years) | Notice |", {1}),
        ("after 4 years", CEILINGS, "| Years of service | Notice |", {0}),
        ("half a year", ("up to 3 months: a", "3 to 9 months: b"), "", {1}),
        ("what is the notice?", SERVICE, "| Service | Notice |", set()),
        ("after 6 years", ("- Vienna", "- Graz"), "", set()),
        ("", (), "", set()),
    ],
)
def test_a_figure_is_in_the_step_that_takes_it_in(question, rows, head, places):
    assert fitting(question, rows, head) == places


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("the day after Christmas", {2}),
        ("the day before new year", {3}),
        ("on Dec 26?", {2}),
        ("on 2026-12-25", {1}),
        ("Boxing Day", {2}),
        ("New Year\u2019s Day", {0}),
        ("in May", set()),
    ],
)
def test_a_day_is_found_however_it_is_named(question, places):
    rows = (
        "| New Year | 1 January |",
        "| Christmas | 25 December |",
        "| Second day | 26.12. |",
        "| Last day | 31 December |",
    )
    assert fitting(question, rows, "| Holiday | Date |") == places


def test_amounts_that_are_paid_are_not_taken_for_steps():
    rows = ("| Payroll records | 7 years |", "| Applications | 6 months |", "| Contracts | 10 years |")
    assert fitting("How long after 8 years?", rows, "| Data | Kept |") == set()
