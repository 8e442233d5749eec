"""Whether passages answer: what is seen of them, and that the judgement goes the way that it should."""

import math
from dataclasses import replace

import pytest

from backends.handbooks.search.answer_kinds import has, is_yes_or_no, wanted
from backends.handbooks.search.confidence import FAR, OFF_TOPIC, THRESHOLD, Chance, Signs, judged, signs, standard
from backends.handbooks.search.spelling import Lexicon
from backends.handbooks.search.synonyms import Synonyms
from core.values import Leg, Passage

LEXICON = Lexicon({"annual": 5, "leave": 20, "days": 30, "nursery": 1, "costs": 2, "month": 9, "pays": 4}, 50)
CHANCE = Chance(words=(4.0, 2.0), covered=(0.3, 0.1))
NONE = Synonyms([])


def passage(text: str, score: float = 7.0, section: str = "Leave") -> Passage:
    legs = [Leg(name="words", rank=1, score=score)]
    return Passage(
        id=text[:20], document="d", title="Time off", section=[section], version="1", text=text, score=1, legs=legs
    )  # fmt: skip - one value a call


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("How much is the home office budget?", {"amount"}),
        ("how long is the probation period", {"time"}),
        ("How many days of leave?", {"time", "number"}),
        ("How many trustees are there?", {"number"}),
        ("Whom do I call?", {"person"}),
        ("Where do I park?", {"place"}),
        ("Tell me about parental leave", set()),
        ("", set()),
    ],
)
def test_a_question_wants_a_kind_of_answer(question, kinds):
    assert wanted(question) == kinds


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Up to £1,000 a year.", "amount"),
        ("The company pays 5%.", "amount"),
        ("within two working days", "time"),
        ("in October", "time"),
        ("There are five trustees.", "number"),
        ("Write to people@example.com.", "person"),
        ("Ask your line manager.", "person"),
        ("The office is in Graz.", "place"),
    ],
)
def test_a_sentence_has_a_kind_of_answer(sentence, kind):
    assert has(sentence, frozenset({kind}))
    assert not has("as is usual elsewhere, more or less.", frozenset({kind}))


@pytest.mark.parametrize("question", ["Can I vape here?", "is it paid", " May I?"])
def test_a_question_for_yes_or_no_is_seen_by_how_it_begins(question):
    assert is_yes_or_no(question)
    assert not is_yes_or_no(f"When {question}")


def test_a_question_whose_words_are_all_there_is_covered():
    found = signs("annual leave", [passage("Annual leave is for all.")], LEXICON, NONE)
    assert found.covered == pytest.approx(1)
    assert found.words == 7.0


def test_a_rare_word_that_is_nowhere_costs_more_than_a_common_one():
    said = [passage("Annual holidays.", section="Holidays")]
    rare = signs("annual nursery", said, LEXICON, NONE).covered
    common = signs("annual days", said, LEXICON, NONE).covered
    assert 0 < rare < common < 1


def test_a_word_that_is_meant_covers_in_part():
    said = [passage("Annual leave is for all.")]
    without = signs("vacation", said, LEXICON, NONE).covered
    meant = signs("vacation", said, LEXICON, Synonyms(["vacation > annual leave"])).covered
    assert (without, meant) == (0, pytest.approx(0.6))


def test_an_answer_of_the_kind_that_is_wanted_is_looked_for_where_the_words_are():
    question = "How much does the company pay for a nursery each month?"
    near = signs(question, [passage("The company pays £300 each month for a nursery.")], LEXICON, NONE)
    far = signs(
        question,
        [passage("The company supports a nursery each month.\n\nAsk us.\n\nA bicycle each month: £300.")],
        LEXICON,
        NONE,
    )
    nowhere = signs(question, [passage("The company supports a nursery each month.")], LEXICON, NONE)
    assert near.lacking == 0 > far.lacking > nowhere.lacking
    assert near.kinds == 1 > far.kinds > nowhere.kinds == 0
    assert near.wants_kind == 1


def test_a_follow_up_is_the_last_line_of_what_was_searched_for():
    assert signs("How many days of leave?\nIs it paid?", [], LEXICON, NONE).yes_or_no == 1
    assert signs("Is it paid?\nHow many days of leave?", [], LEXICON, NONE).yes_or_no == 0


@pytest.mark.parametrize("query", ["", "\n", "???", "🚂", "x" * 5000, "\0"])
def test_any_query_and_no_passages_have_a_judgement(query):
    judgement = judged(signs(query, [], LEXICON, NONE), CHANCE)
    assert 0 <= judgement.confidence <= 1
    assert not judgement.answers


def test_scores_count_from_what_they_come_to_by_chance():
    seen = Signs(7.0, 0.4, 0, 0.5, 0, 0, 2)
    assert standard(seen, CHANCE) == Signs(1.5, pytest.approx(1.0), 0, 0.5, 0, 0, 2)
    assert standard(replace(seen, words=99.0, covered=-99.0), CHANCE) == Signs(FAR, -1.0, 0, 0.5, 0, 0, 2)
    assert Chance.of([replace(seen, words=6.0), replace(seen, words=10.0)]).words == (8.0, pytest.approx(2.01))
    assert Chance.of([]).words == (0.0, 1.0)


@pytest.mark.parametrize("better", [{"words": 7.0}, {"covered": 0.5}, {"lacking": 0.0}, {"kinds": 1.0}])
def test_more_of_what_speaks_for_an_answer_is_more_confidence(better):
    seen = Signs(5.0, 0.4, -0.3, 0.2, 0, 1, math.log(7))
    assert judged(replace(seen, **better), CHANCE).confidence > judged(seen, CHANCE).confidence


def test_a_judgement_names_its_threshold_and_where_its_figures_come_from():
    judgement = judged(Signs(5.0, 0.4, -0.3, 0.2, 0, 1, 2.0), CHANCE)
    assert judgement.threshold == THRESHOLD
    assert "handbooks" in judgement.calibration


def test_extremes_are_probabilities_too():
    assert judged(Signs(1e9, 1, 0, 1, 0, 0, 1e9), CHANCE).confidence == pytest.approx(1)
    assert judged(Signs(-1e9, 0, -1e9, 0, 1, 1, 0), CHANCE).confidence == pytest.approx(0)


def test_the_questions_for_chance_are_many_and_different():
    assert len(set(OFF_TOPIC)) == len(OFF_TOPIC) >= 30
