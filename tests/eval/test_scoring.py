"""Scores and measures, against cases worked out by hand."""

from math import inf, isnan, log2

import pytest

from .matching import Sections, plain, same_file, says, sections
from .measures import MEASURES, auroc, columns, difference, interval, refused
from .questions import Gold, Question, Result, Run
from .scoring import Score, score, score_all
from .tables import by_kind, measured

HANDBOOK = """---
title: Travel
---
Ask first.

# Trains and flights

Go by train where a train goes in five hours; a **first-class** seat needs a *reason* and a [form](forms/first.md).

```
# not a heading
```

## Hotels ##

| City | Limit |
|---|---|
| York | £95 a night |
"""


@pytest.fixture
def handbooks(tmp_path):
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "travel.md").write_text(HANDBOOK, "utf-8")
    return Sections(tmp_path)


def gold(**fields):
    return Gold(**{"path": "trips/travel.md", "heading": "Hotels", "evidence": "£95 a night", **fields})


def found(**fields):
    return Result(
        **{"path": "trips/travel.md", "heading": ("Travel", "Hotels"), "text": "York | £95 a night", **fields}
    )


def scored(*ranks, confidence=0.0, abstained=None, question="q"):
    return Score(question=question, kind="direct", ranks=ranks, confidence=confidence, abstained=abstained)


# Which passage is which section


def test_a_section_ends_at_the_next_heading_and_code_has_none():
    read = dict(sections(HANDBOOK))
    assert list(read) == ["Travel", "Trains and flights", "Hotels"]
    assert "not a heading" in read["Trains and flights"]
    assert "Ask first." in read["Travel"]


def test_texts_are_compared_without_marks_targets_and_curly_quotes():
    assert plain("## A **first\u2011class** [seat](x.md) \u2018now\u2019") == "a first-class seat 'now'"


@pytest.mark.parametrize(
    ("text", "holds"),
    [("up to 5 days", True), ("up to 15 days", False), ("1.5 days", False), ("5 daysack", False), ("(5 days)", True)],
)
def test_a_phrase_is_not_found_inside_a_longer_word_or_number(text, holds):
    assert says(plain(text), "5 days") is holds


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("trips/travel.md", "handbook/trips/Travel.md", True),
        ("travel.pdf", "trips/travel.md", True),
        ("trips\\travel.html", "trips/travel.md", True),
        ("trips/travel-uk.md", "trips/travel.md", False),
        ("index.md", "trips/index.md", False),
        ("index.md", "index.md", True),
        ("v1.2/leave.md", "leave.md", True),
        ("", "travel.md", False),
    ],
)
def test_paths_are_compared_from_the_right_whatever_the_format(ours, theirs, same):
    assert same_file(ours, theirs) is same


def test_the_right_section_without_the_answer_does_not_answer(handbooks):
    assert handbooks.holds(found(), gold())
    assert not handbooks.holds(found(text="York has hotels."), gold())


def test_a_passage_under_another_heading_counts_when_it_shares_the_sections_words(handbooks):
    train = gold(heading="Trains and flights", evidence="five hours")
    words = "Go by train where a train goes in five hours"
    assert handbooks.holds(found(heading="Something else", text=words), train)
    assert not handbooks.holds(found(heading="Something else", text="It took me five hours to write this"), train)


def test_a_trail_may_be_a_list_or_one_text(handbooks):
    assert handbooks.holds(found(heading="Travel > Hotels", text="London and York: £95 a night for one"), gold())
    assert handbooks.holds(found(heading=["Travel", "Hotels"], text="London and York: £95 a night for one"), gold())


def test_a_result_without_text_goes_by_its_heading(handbooks):
    assert handbooks.holds(found(text=""), gold())
    assert not handbooks.holds(found(text="", heading="Trains"), gold())


def test_in_a_file_that_is_no_markdown_the_heading_and_the_evidence_decide(handbooks):
    pdf = gold(path="trips/other.pdf")
    assert handbooks.holds(found(path="trips/other.pdf"), pdf)
    assert not handbooks.holds(found(path="trips/other.pdf", heading="Trains"), pdf)


# What a question scores


def test_either_of_two_alternatives_is_a_hit_and_both_groups_are_due(handbooks):
    asked = Question(
        id="q",
        question="?",
        gold=[gold(), gold(heading="Nowhere"), gold(heading="Trains and flights", evidence="a reason", group=1)],
    )
    miss, hotels = found(text="nothing"), found()
    trains = found(heading="Trains and flights", text="needs a reason and a form")
    got = score(asked, Run(id="q", results=[miss, hotels, hotels, trains], confidence=0.4), handbooks)
    assert got.ranks == (2, 4)
    assert (got.recall(1), got.recall(2), got.recall(5)) == (0, 0.5, 1)
    assert got.reciprocal() == 0.5
    assert got.gain() == pytest.approx((1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)))


def test_a_hit_after_the_tenth_result_is_none(handbooks):
    asked = Question(id="q", question="?", gold=[gold()])
    got = score(asked, Run(id="q", results=[found(text="nothing")] * 10 + [found()]), handbooks)
    assert (got.ranks, got.recall(10), got.reciprocal(), got.gain()) == ((inf,), 0, 0, 0)


def test_without_a_confidence_the_first_score_stands_for_it(handbooks):
    asked = Question(id="q", question="?")
    assert score(asked, Run(id="q", results=[found(score=3.5), found(score=2)]), handbooks).confidence == 3.5
    assert score(asked, Run(id="q", results=[found(score=3.5)], confidence=0.0), handbooks).confidence == 0
    assert score(asked, Run(id="q"), handbooks).confidence == -inf


def test_a_question_that_the_run_left_out_has_found_nothing(handbooks):
    assert score_all([Question(id="q", question="?", gold=[gold()])], {}, handbooks)[0].recall(10) == 0


# What many questions measure

RANKED = [
    scored(1, confidence=0.9, abstained=False),
    scored(3, confidence=0.5, abstained=True),
    scored(1, inf, confidence=0.4, abstained=False),
    scored(inf, confidence=0.8, abstained=False),
    scored(confidence=0.4, abstained=True),
    scored(confidence=0.6, abstained=False),
]


def test_measures_worked_out_by_hand():
    of = columns(RANKED)
    got = {name: measure(of) for name, measure in MEASURES.items()}
    both = 1 / (1 + 1 / log2(3))
    assert got == {
        "R@1": pytest.approx(1.5 / 4),
        "R@5": pytest.approx(2.5 / 4),
        "R@10": pytest.approx(2.5 / 4),
        "MRR@10": pytest.approx((1 + 1 / 3 + 1) / 4),
        "nDCG@10": pytest.approx((1 + 1 / 2 + both) / 4),
        "AUROC": pytest.approx((2 + 1 + 0.5 + 2) / 8),
        "Ref@5%": 0.0,
        "refused": 0.5,
        "wrongly": 0.25,
    }


def test_the_threshold_refuses_at_most_the_share_of_answerable_questions_that_it_may():
    some = columns([scored(1, confidence=value / 20) for value in range(20)]).sure
    none = columns([scored(confidence=value) for value in (-1.0, 0.0, 0.02, 0.05, 0.9)]).sure_of_none
    assert refused(some, none, 0.05) == pytest.approx(3 / 5)
    assert refused(some, none, 0.0) == pytest.approx(1 / 5)


def test_equal_confidences_tell_nothing():
    same = columns([scored(1, confidence=0.5), scored(1, confidence=0.5), scored(confidence=0.5)])
    assert auroc(same.sure, same.sure_of_none) == 0.5
    assert refused(same.sure, same.sure_of_none) == 0


def test_what_cannot_be_measured_is_not_a_number():
    answered = {name: measure(columns([scored(1)])) for name, measure in MEASURES.items()}
    assert answered["R@1"] == 1
    assert all(isnan(answered[name]) for name in ("AUROC", "Ref@5%", "refused", "wrongly"))
    assert all(isnan(measure(columns([]))) for measure in MEASURES.values())


def test_an_interval_holds_its_value_and_is_the_same_each_time():
    many = [scored(1 if n % 3 else inf, question=str(n)) for n in range(60)]
    got = interval(many, "R@5")
    assert got.low < got.value < got.high
    assert got.value == pytest.approx(2 / 3)
    assert got == interval(many, "R@5")
    # The binomial's own: 0.667 +- 1.96 * sqrt(0.667 * 0.333 / 60)
    assert (got.low, got.high) == (pytest.approx(0.547, abs=0.02), pytest.approx(0.786, abs=0.02))


def test_a_paired_interval_sees_what_two_intervals_do_not():
    before = [scored(1 if n % 2 else inf, question=str(n)) for n in range(100)]
    after = [scored(1 if n % 2 or n < 10 else inf, question=str(n)) for n in range(100)]
    gain = difference(before, after, "R@5")
    assert gain.value == pytest.approx(0.05)
    assert gain.low > 0
    assert interval(before, "R@5").high > interval(after, "R@5").low
    assert isnan(difference(before, after, "AUROC").value)


def test_runs_of_different_questions_are_not_compared():
    with pytest.raises(ValueError, match="different questions"):
        difference([scored(1, question="a")], [scored(1, question="b")], "R@5")


def test_a_table_has_a_line_for_all_and_for_each_kind():
    lines = measured(by_kind(RANKED)).splitlines()
    assert [line.split()[:3] for line in lines] == [["n", "none", "R@1"], ["all", "6", "2"], ["direct", "6", "2"]]
    assert lines[1].split()[3:5] == ["0.375", "0.625"]
