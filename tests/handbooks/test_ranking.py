"""One order out of several ways of searching: scales, weights, single tokens, repetitions, and the reason why."""

import numpy as np
import pytest

from backends.handbooks.catalogue.versions import PassageTable
from backends.handbooks.search.duplicates import distinct
from backends.handbooks.search.explain import reason
from backends.handbooks.search.fusion import (
    BY_STATIC,
    BY_WORDS,
    FREE,
    MATCHED,
    Weights,
    joined,
    ordered,
    spread,
    with_tokens,
)
from backends.handbooks.search.tokens import MOST_TOKENS, TokenMatching
from backends.vectors.static.tokens import StaticTokens
from core.values import Audience, Leg, Passage

HALVES = Weights(words=0.5, vectors=0.5, tokens=0.5)


def passage(text: str, document: str = "a", **given) -> Passage:
    return Passage(
        id=f"{document}#{text[:9]}",
        document=document,
        title=document,
        section=[],
        version="1",
        text=text,
        score=0,
        **given,
    )  # fmt: skip - one value a call


def always(passage: Passage) -> bool:
    return True


def test_words_are_scaled_from_nothing_and_vectors_from_the_lowest_found():
    sums = joined({1: 8.0, 2: 4.0}, {1: 0.2, 2: 0.6, 3: 0.4}, {}, HALVES)
    assert sums == pytest.approx({1: 0.5, 2: 0.75, 3: 0.25})


def test_what_only_one_way_finds_is_there_too():
    assert set(joined({1: 3.0}, {2: 0.5}, {}, BY_STATIC)) == {1, 2}
    assert joined({}, {}, {}, BY_STATIC) == {}


def test_words_alone_keep_their_own_order():
    scores = {row: 1.0 / row for row in range(1, 9)}
    assert list(joined(scores, {}, {}, BY_WORDS)) == list(scores)


def test_no_more_than_some_go_on_and_they_are_the_best():
    assert list(joined({row: float(row) for row in range(1, 300)}, {}, {}, BY_WORDS)) == list(
        range(299, 299 - MATCHED, -1)
    )


def test_tokens_are_added_on_a_scale_of_their_own_and_nothing_is_where_there_are_none():
    sums = {1: 0.5, 2: 0.4}
    assert with_tokens(sums, {1: 0.30, 2: 0.34}, HALVES) == pytest.approx({1: 0.5, 2: 0.9})
    assert with_tokens(sums, {}, HALVES) == sums


def test_the_order_names_each_legs_rank_and_score():
    words, vectors = {7: 1.0, 5: 2.0}, {5: 0.9}
    first, second = ordered({7: 0.1, 5: 0.8}, {"words": words, "vectors": vectors}, 9)
    assert (first.row, second.row) == (5, 7)
    assert first.legs == (Leg(name="words", rank=1, score=2.0), Leg(name="vectors", rank=1, score=0.9))
    assert second.legs == (Leg(name="words", rank=2, score=1.0),)


def test_of_equal_ones_the_older_goes_first():
    assert [one.row for one in ordered({9: 0.5, 3: 0.5, 4: 0.7}, {}, 9)] == [4, 3, 9]
    assert len(ordered({9: 0.5, 3: 0.5, 4: 0.7}, {}, 2)) == 2


def test_a_document_with_many_alike_does_not_crowd_out_another():
    crowd = [(1.0 - n / 1000, passage(f"{n}", "crowd")) for n in range(FREE + 3)]
    placed = [one.document for _, one in spread([*crowd, (0.94, passage("x", "other"))], always)]
    assert placed.index("other") == FREE + 1
    assert len(placed) == FREE + 4


def test_but_one_that_is_far_better_keeps_all_its_places():
    crowd = [(1.0, passage(f"{n}", "crowd")) for n in range(FREE + 3)]
    assert [one.document for _, one in spread([*crowd, (0.3, passage("x", "other"))], always)][-1] == "other"


def test_what_is_for_the_askers_country_goes_first_of_two_that_fit_alike_and_not_where_it_does_not_fit():
    own = passage("own", "own", audience=Audience(countries=["austria"]))
    assert [one.document for _, one in spread([(0.90, passage("all", "all")), (0.85, own)], always)] == ["own", "all"]
    assert [one.document for _, one in spread([(0.90, passage("all", "all")), (0.40, own)], always)] == ["all", "own"]


def test_a_countrys_handbook_about_something_else_has_no_lead():
    own = passage("own", "own", audience=Audience(countries=["austria"]))
    scored = [(0.90, passage("all", "all")), (0.85, own)]
    assert [one.document for _, one in spread(scored, lambda passage: passage.title != "own")] == ["all", "own"]


def test_of_passages_that_say_the_same_the_first_stands_for_all():
    text = "Every employee has the right to switch off after work and need not answer messages at night or on Sundays"
    kept = list(distinct([passage(text), passage(f"{text}.", "b"), passage("Bring your badge to the office.", "c")]))
    assert [one.document for one in kept] == ["a", "c"]


def test_passages_that_differ_in_a_figure_do_not_say_the_same():
    text = "Every employee has {} days of annual leave in each calendar year and may carry over none of them"
    assert len(list(distinct([passage(text.format(25)), passage(text.format(30), "b")]))) == 2


def test_short_texts_are_compared_too():
    assert len(list(distinct([passage(""), passage("", "b"), passage("Yes.", "c"), passage("yes", "d")]))) == 2


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        ({"words": 1, "vectors": 1, "tokens": 1}, "Best on wording and meaning and single words"),
        ({"vectors": 3, "tokens": 2}, "2nd on single words, 3rd on meaning, not found by wording"),
        ({"words": 11, "vectors": 22, "tokens": 101}, "11th on wording, 22nd on meaning, 101st on single words"),
        ({"words": 4, "vectors": 4, "rerank": 1}, "Best on a second reading, 4th on wording and meaning"),
    ],
)
def test_the_reason_is_a_sentence(ranks, said):
    legs = [Leg(name=name, rank=rank, score=0.5) for name, rank in ranks.items()]
    assert reason(legs, ["words", "vectors"], Audience()) == said


def test_the_reason_names_for_whom_it_holds_and_what_went_wrong():
    said = reason([Leg(name="words", rank=1, score=1)], ["words"], Audience(countries=["austria"]), "no reranker")
    assert said == "Best on wording; holds for austria; no reranker"


@pytest.fixture(scope="module")
def tokens() -> StaticTokens:
    return StaticTokens.bundled()


def table(tokens: StaticTokens, *texts: str) -> PassageTable:
    ids = tokens.ids(texts)
    return PassageTable(
        revision=1,
        rows=np.arange(1, len(texts) + 1),
        versions=np.ones(len(texts), np.int64),
        tokens=np.concatenate([np.zeros(0, np.uint32), *ids]),
        offsets=np.cumsum([0, *map(len, ids)]),
        matrix=None,
        near=None,
    )


TEXTS = (
    "Maternity leave is for whoever gives birth to a child.",
    "Hotels are booked by the travel desk.",
    "Your salary reaches your bank account on the last working day.",
    "",
)


@pytest.mark.parametrize(
    ("question", "best"),
    [("My baby is due", 0), ("where do I sleep on a trip", 1), ("when is my money there", 2), ("SALARY", 2)],
)
def test_tokens_find_what_shares_no_word(tokens, question, best):
    scores = TokenMatching(tokens, table(tokens, *TEXTS)).scores(question, np.arange(4))
    assert int(scores.argmax()) == best
    assert scores[3] == 0


def test_a_token_for_itself_is_a_whole_match_and_a_score_is_no_more(tokens):
    scores = TokenMatching(tokens, table(tokens, *TEXTS)).scores("salary", np.arange(3))
    assert scores[2] == pytest.approx(1)
    assert scores.max() <= 1.001


def test_places_are_scored_in_the_order_they_are_named_in(tokens):
    matching = TokenMatching(tokens, table(tokens, *TEXTS))
    scores = matching.scores("birth of a child", np.arange(3))
    assert matching.scores("birth of a child", np.array([2, 0])) == pytest.approx([scores[2], scores[0]])


@pytest.mark.parametrize("question", ["", "???", "the of and", "\ud800", "🚂"])
def test_a_question_without_a_telling_token_has_no_scores(tokens, question):
    assert TokenMatching(tokens, table(tokens, *TEXTS)).scores(question, np.arange(3)) is None


def test_passages_without_tokens_have_no_scores(tokens):
    assert TokenMatching(tokens, table(tokens, "", "")).scores("salary", np.arange(2)) is None


def test_a_long_question_is_compared_by_its_last_tokens(tokens):
    matching = TokenMatching(tokens, table(tokens, *TEXTS))
    asked = matching.asked(" ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600)) + " salary")
    assert len(asked) == MOST_TOKENS
    assert asked[-1] == tokens.ids(["salary"])[0][-1]
