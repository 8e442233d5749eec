"""Citations: which passage a marker points to, and which of its words it is quoted for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.canonical import canonical
from core.retrieval.citations import citations, fitting
from core.values import Highlight, Passage
from core.words import words


def passage(text, id="p"):
    return Passage(id=id, document="d", title="T", section=[], version="1", text=text, score=1)


LEAVE = passage("Leave is agreed with the line manager. You have 25 working days a year.\n\n- Part-timers get a share.")
NOTICE = passage("Give two months' notice.\n\n| Grade | Notice |\n|---|---|\n| A | 4 weeks |\n| B | 8 weeks |")


def quotes(text, passages=(LEAVE, NOTICE)):
    return [(found.number, found.quote) for found in citations(text, passages)]


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("You get 25 working days [1].", [(1, "You have 25 working days a year.")]),
        ("You get 25 working days. [1] And more.", [(1, "You have 25 working days a year.")]),
        ("Grade B has 8 weeks [2]", [(2, "| B | 8 weeks |")]),
        ("You get 25 days.\n\n[1]", [(1, "You have 25 working days a year.")]),
        ("Nobody knows [7].", []),
        ("Nothing is cited.", []),
        ("Zebras [1].", [(1, "")]),
    ],
)
def test_the_words_quoted_are_those_of_the_passage_that_the_sentence_is_about(text, cited):
    assert quotes(text) == cited


def test_a_passage_that_two_sentences_point_to_is_quoted_for_each():
    said = "You have 25 working days [1]. It is agreed with your line manager [1]."
    assert quotes(said) == [(1, "Leave is agreed with the line manager."), (1, "You have 25 working days a year.")]


def test_two_markers_of_one_sentence_are_two_citations():
    said = "After 25 working days, give two months' notice [1][2]."
    assert quotes(said) == [(1, "You have 25 working days a year."), (2, "Give two months' notice.")]


def test_a_quote_stands_in_the_passage_where_the_citation_says():
    for found in citations("25 working days [1], or 8 weeks [2].", [LEAVE, NOTICE]):
        assert found.passage.text[found.start : found.end] == found.quote
        assert found.quote


def test_a_long_sentence_is_quoted_from_its_beginning():
    long = passage("The allowance " + "and so on " * 60 + "ends.")
    assert len(citations("The allowance ends [1].", [long])[0].quote) == 300


RULES = passage(
    "Leave is agreed. You have 25 days.\n\n**How many in Graz?**\n\nYou have 25 days there.\n\n"
    "| Grade | Days |\n|---|---|\n| A | 25 |\n| B | 28 |\n\n1. Ask first.\n2. Then book."
)


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("> Leave is agreed. You have 25 days. [1]", ["Leave is agreed.", "You have 25 days."]),
        ("> **How many in Graz?**\n>\n> You have 25 days there. [1]", ["You have 25 days there."]),
        ("> | Grade | Days |\n> |---|---|\n> | B | 28 |\n>\n> (1 more row in the source)\n>\n> [1]", ["| B | 28 |"]),
        ("> 1. Ask first.\n> 2. Then book. [1]", ["Ask first.", "Then book."]),
        ("> [...] You have 25 days. [1]\n\nLeave is agreed [1].", ["Leave is agreed.", "You have 25 days."]),
        ("> You get 28 in grade B. [1]", ["| B | 28 |"]),
        ("> Leave is agreed.", []),
    ],
)
def test_a_block_of_quotes_is_cited_with_each_sentence_that_it_repeats(text, cited):
    found = citations(text, [RULES])
    assert [one.quote for one in found] == cited
    assert all(RULES.text[one.start : one.end] == one.quote for one in found)


def test_of_the_quotes_from_a_passage_the_one_that_answers_best_comes_first():
    row = RULES.text.index("| B | 28 |")
    highlights = [Highlight(start=row, end=row + 10, score=0.9), Highlight(start=0, end=16, score=0.4)]
    marked = RULES.model_copy(update={"highlights": highlights})
    said = "> Leave is agreed. You have 25 days.\n>\n> | B | 28 |\n>\n> [1]"
    assert [one.quote for one in citations(said, [marked])] == ["| B | 28 |", "Leave is agreed.", "You have 25 days."]


def test_a_long_block_of_quotes_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr("core.retrieval.citations.words", lambda text: read.append(len(text)) or words(text))
    passages = handbook(300)
    said = "\n".join(f"> Grade {n} has {n} days of leave. [{n % 3 + 1}]" for n in range(4_000))
    assert len(citations(said, passages)) == 300
    assert sum(read) <= len(said) + sum(len(passage.text) for passage in passages)


def by_definition(text, passages):
    """The same, as it is defined: each marker's sentence held against every sentence of its passage."""
    split = re.compile(r"(?<=[.!?])(?:\s*\[\d{1,3}\])*\s+|\n+")

    def weight(word):
        return 20 if word[0].isdigit() else 10 if len(word) >= 4 else 1

    def span(said, passage):
        best, most, start = (0, 0), 0, 0
        cuts = [(cut.start(), cut.end()) for cut in split.finditer(passage)]
        for end, following in [*cuts, (len(passage), 0)]:
            shared = set(words(said)) & set(words(passage[start:end]))
            if sum(map(weight, shared)) > most and any(weight(word) >= 10 for word in shared):
                best, most = (start, min(end, start + 300)), sum(map(weight, shared))
            start = following
        return best

    found, before, start = set(), "", 0
    for end in [*(cut.end() for cut in split.finditer(text)), len(text)]:
        sentence, start = text[start:end], end
        said = re.sub(r"\[\d{1,3}\]", " ", sentence)
        said = before = said if words(said) else before
        for number in map(int, re.findall(r"\[(\d{1,3})\]", sentence)):
            if 1 <= number <= len(passages):
                found.add((number, *span(said, passages[number - 1].text)))
    quoting = {number for number, start, end in found if end > start}
    return sorted(span for span in found if span[2] > span[1] or span[0] not in quoting)


WORDS = st.sampled_from(
    ["leave", "notice", "weeks", "days", "of", "a", "is", "25", "2026", "Ünder", "x-ray", "", "\n", ". ", "! ", "?"]
)
MARKERS = st.sampled_from(["[1]", "[2]", "[3]", "[9]", "[0]", "[12345]", "[1][2]", "[ 1 ]"])


@given(
    st.lists(WORDS | MARKERS, max_size=40).map(" ".join),
    st.lists(st.lists(WORDS, max_size=40).map(" ".join), max_size=3),
)
def test_the_citations_are_those_of_the_definition(text, texts):
    passages = [passage(said) for said in texts]
    found = citations(text, passages)
    assert [(one.number, one.start, one.end) for one in found] == by_definition(text, passages)
    assert all(one.quote == one.passage.text[one.start : one.end] for one in found)


def long_answer(sentences):
    return " ".join(f"In grade {n} the leave is {n} days [{n % 3 + 1}][{(n + 1) % 3 + 1}]." for n in range(sentences))


def handbook(sentences):
    return [passage(" ".join(f"Grade {n} has {n} days of leave." for n in range(k, sentences, 3))) for k in range(3)]


def test_text_and_passages_are_each_read_once_however_many_markers_there_are(monkeypatch):
    read = []
    monkeypatch.setattr("core.retrieval.citations.words", lambda text: read.append(len(text)) or words(text))
    said, passages = long_answer(4_000), handbook(300)
    assert len(citations(said, passages)) > 250
    assert sum(read) <= len(said) + sum(len(passage.text) for passage in passages)


def test_one_sentence_held_against_a_passage_a_second_time_is_not_matched_again(monkeypatch):
    monkeypatch.setattr("core.retrieval.citations.MAX_MATCHES", 100)
    said = "Leave is agreed with the line manager [1]. " * 1_000 + "There are 25 working days [1]."
    assert quotes(said) == [
        (1, "Leave is agreed with the line manager."),
        (1, "You have 25 working days a year."),
    ]


def test_a_text_that_matches_without_end_is_quoted_as_far_as_the_limit_and_cited_to_its_end(monkeypatch):
    said, passages = long_answer(300) + " Zebras [4].", [*handbook(300), LEAVE]
    whole = citations(said, passages)
    monkeypatch.setattr("core.retrieval.citations.MAX_MATCHES", 10_000)
    some = citations(said, passages)
    assert 3 < len(some) < len(whole)
    assert all(found in whole for found in some)
    assert {found.number for found in some} == {1, 2, 3, 4}


def test_what_is_too_much_for_a_record_leaves_out_further_quotes_of_a_passage_first(monkeypatch):
    said = "Leave is agreed with the line manager [1]. You have 25 working days [1]. Give two months' notice [2]."
    all_three = citations(said, [LEAVE, NOTICE])
    assert [found.number for found in all_three] == [1, 1, 2]
    sizes = [len(canonical(found.model_dump(mode="json"))) + 1 for found in all_three]
    for room, kept in ((sum(sizes), [0, 1, 2]), (sum(sizes) - 1, [0, 2]), (sizes[0] + sizes[2] - 1, [0]), (0, [])):
        monkeypatch.setattr("core.retrieval.citations.MAX_CITED", room)
        assert fitting(all_three) == [all_three[place] for place in kept]
