"""Passages that differ in a figure are shown as such, the more specific or newer first; others are left alone."""

import pytest

from backends.handbooks.search.contradictions import with_conflicts
from core.values import Audience, Passage


def passage(text: str, document: str = "", section: str = "Notice", **given) -> Passage:
    document = document or f"d{abs(hash(text))}"
    return Passage(
        id=f"{document}#1",
        document=document,
        title=document,
        section=[section],
        version="1",
        text=text,
        score=1,
        **given,
    )


def conflicts(one: str, other: str, **given) -> bool:
    found = with_conflicts([passage(one, "a", **given), passage(other, "b", **given)])
    assert found[0].conflicts == (["b#1"] if found[0].conflicts else [])
    assert bool(found[0].conflicts) == bool(found[1].conflicts)
    return bool(found[0].conflicts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The notice period is 4 weeks for employees.", "The notice period for employees is 6 weeks."),
        ("You may carry over up to 5 days of annual leave.", "You may carry over up to ten days of annual leave."),
        ("We reimburse hotels in London up to £120 a night.", "We reimburse hotels in London up to £150 a night."),
        ("The employer pays 5% into your pension fund.", "The employer pays 8 percent into your pension fund."),
        ("Report an illness within two working days.", "Report an illness within 3 days."),
        ("Home office allowance: €30 a month.", "The home office allowance is €40 a month."),
    ],
)
def test_two_documents_with_different_figures_for_the_same_thing_contradict_each_other(one, other):
    assert conflicts(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The notice period is 4 weeks for employees.", "The notice period is four weeks for employees."),
        ("Hotels are paid up to £1,200 a month in London.", "Hotels in London are paid up to £1200 a month."),
        ("You get 25 days of annual leave.", "You get 3 days of leave when you move house."),
        ("The notice period is 4 weeks for employees.", "The notice period is £400 for employees."),
        ("The notice period is 4 weeks for employees.", "The notice period for employees is in your contract."),
        ("Up to 5 days.", "Up to 7 days."),
        ("Maternity leave is 52 weeks.", "Paternity leave is 2 weeks."),
        (
            "Between 2 and 5 years of service give 1 month of sabbatical.",
            "After 5 years you get 2 months of sabbatical.",
        ),
    ],
)
def test_equal_figures_other_units_and_other_things_do_not(one, other):
    assert not conflicts(one, other)


def test_a_document_does_not_contradict_itself():
    one = passage("The notice period is 4 weeks for employees.", "a")
    other = passage("The notice period is 6 weeks for employees.", "a").model_copy(update={"id": "a#2"})
    assert [found.conflicts for found in with_conflicts([one, other])] == [[], []]


def test_the_rule_of_the_askers_country_goes_before_the_general_one_and_the_newer_before_the_older():
    old = passage("The notice period is 4 weeks for employees.", "old", effective="2024-01-01")
    other = passage("Bring your badge.", "other")
    new = passage("The notice period is 6 weeks for employees.", "new", effective="2026-01-01")
    own = passage("The notice period is 8 weeks for employees.", "own", audience=Audience(countries=["austria"]))
    found = with_conflicts([old, other, new, own])
    assert [one.document for one in found] == ["own", "new", "old", "other"]
    assert [sorted(one.conflicts) for one in found] == [
        ["new#1", "old#1"],
        ["old#1", "own#1"],
        ["new#1", "own#1"],
        [],
    ]


def test_of_two_that_are_alike_in_standing_the_better_one_stays_first():
    found = with_conflicts(
        [
            passage("The notice period is 4 weeks for employees.", "a", effective="2026-01-01"),
            passage("The notice period is 6 weeks for employees.", "b", effective="2026-01-01"),
        ]
    )
    assert [one.document for one in found] == ["a", "b"]


def test_nothing_contradicts_nothing():
    assert with_conflicts([]) == []
