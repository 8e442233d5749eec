"""What the desk without a key quotes: whole pieces that answer, and a note on all that was left out."""

import re

import pytest

from backends.models.offline.excerpt import ROOM, SHORT, WHOLE
from backends.models.offline.phrases import ENGLISH
from backends.models.offline.quotes import quote
from core.model import UserMessage
from core.retrieval.citations import citations
from core.values import Highlight, Judgement, Passage

YES = Judgement(confidence=0.9, threshold=0.3, calibration="test")
NO = Judgement(confidence=0.1, threshold=0.3, calibration="test")
NOTICE = """How long notice is depends on service:

| Service | Notice by the company |
|---|---|
| Less than 6 months | 1 week |
| 6 months up to 1 year | 2 weeks |
| 1 year up to 2 years | 3 weeks |
| 2 years up to 3 years | 4 weeks |
| 3 years up to 5 years | 6 weeks |
| 5 years up to 8 years | 9 weeks |
| 8 years up to 12 years | 13 weeks |
| from 12 to under 15 years | 17 weeks |
| more than 15 years | 26 weeks |"""
HOLIDAYS = """| Holiday | Date |
|---|---|
| New Year's Day | 1 January |
| Epiphany | 6 January |
| Easter Monday | 6 April |
| Labour Day | 1 May |
| Ascension | 14 May |
| Assumption | 15 August |
| All Saints | 1 November |
| Christmas Day | 25 December |
| Saint Stephen's Day | 26 December |
| Silvester | 31 December, afternoon |"""


def passage(text, title="Handbook", *, document=None, section=(), score=1.0, conflicts=()):
    return Passage(
        id=f"{document or title}#1",
        document=document or title,
        title=title,
        section=list(section),
        version="1",
        text=text,
        score=score,
        conflicts=list(conflicts),
    )


def reply(question, *passages, judgement=YES):
    return quote(UserMessage(text=question, passages=passages, judgement=judgement))


def quoted(said):
    return [line.removeprefix("> ") for line in said.split("\n") if line.startswith("> ")]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How long is my notice period after 6 years?", "| 5 years up to 8 years | 9 weeks |"),
        ("how long is notice after six years of service", "| 5 years up to 8 years | 9 weeks |"),
        ("What notice after three months?", "| Less than 6 months | 1 week |"),
        ("What is the notice after 18 months?", "| 1 year up to 2 years | 3 weeks |"),
        ("Notice after 8 years?", "| 8 years up to 12 years | 13 weeks |"),
        ("Notice after twelve years?", "| from 12 to under 15 years | 17 weeks |"),
        ("And the notice for more than 20 years?", "| more than 15 years | 26 weeks |"),
    ],
)
def test_the_row_whose_range_takes_in_the_figure_asked_for_is_quoted_and_the_others_are_counted(question, row):
    said = reply(question, passage(NOTICE, "Notice"))
    assert [line for line in quoted(said) if line.startswith("|")] == [
        "| Service | Notice by the company |",
        "|---|---|",
        row,
    ]
    assert "(8 more rows in the source)" in said
    assert citations(said, [passage(NOTICE, "Notice")])[-1].quote == row


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("Is the day after Christmas a holiday?", "| Saint Stephen's Day | 26 December |"),
        ("Is 15 August a holiday?", "| Assumption | 15 August |"),
        ("Do we get the first holiday of the year, New Year's Day?", "| New Year's Day | 1 January |"),
    ],
)
def test_the_row_of_the_day_asked_for_is_quoted(question, row):
    said = reply(question, passage(HOLIDAYS, "Public holidays"))
    assert quoted(said)[2] == row
    assert "(9 more rows in the source)" in said


def test_a_short_table_is_whole_if_no_row_is_told_apart_and_a_long_one_says_how_much_is_missing():
    rows = [f"| Item {'abcdefghijkl'[n]} | colour |" for n in range(12)]
    head = "| Item | Colour |\n|---|---|\n"
    short = reply("Which colour?", passage(head + "\n".join(rows[:3])))
    assert [line for line in quoted(short) if line in rows] == rows[:3]
    assert "in the source" not in short
    long = reply("Which colour?", passage(head + "\n".join(rows)))
    kept = [line for line in quoted(long) if line in rows]
    assert 0 < len(kept) < len(rows)
    assert f"({len(rows) - len(kept)} more rows in the source)" in long


def test_a_list_is_whole_up_to_a_bound_and_beyond_it_the_rest_is_counted():
    items = [f"- a lamp number {n}" for n in range(1, WHOLE + 4)]
    whole = reply("Which lamp do you pay?", passage("We pay:\n\n" + "\n".join(items[:WHOLE])))
    assert [line.removesuffix(" [1]") for line in quoted(whole)] == ["We pay:", *items[:WHOLE]]
    cut = reply("Do you pay a chair?", passage("We pay:\n\n" + "\n".join([*items, "- a chair"])))
    assert "- a chair" in quoted(cut)
    assert f"({len(items)} more items in the source)" in cut


@pytest.mark.parametrize(
    "asked",
    [
        "**How long is sick pay?**",
        "<summary>How long is sick pay?</summary>",
        "How long is sick pay?",
        "## How long is sick pay?",
    ],
)
def test_a_question_in_the_handbook_is_not_the_answer_but_the_text_after_it_is(asked):
    text = f"**Who is told?**\n\nYour line manager.\n\n{asked}\n\nSix weeks in full.\n\n**What else?**\n\nNothing."
    source = passage(text)
    said = reply("How long is sick pay?", source)
    assert [found.quote.strip() for found in citations(said, [source])] == ["Six weeks in full."]
    assert "line manager" not in said


def test_a_list_of_links_or_a_bare_heading_does_not_go_before_what_is_said():
    links = passage(
        "Links:\n\n- [Sick pay form](https://a.example/sick-pay)\n- [Sick pay rules](https://a.example/rules)",
        "Sick pay",
    )
    bare = passage("## Sick pay", "Sick pay", document="bare")
    said = passage("Sick pay is six weeks.", "Absence", document="c")
    assert {
        found.number for found in citations(reply("What is sick pay?", links, bare, said), [links, bare, said])
    } == {3}


def test_one_passage_that_answers_leaves_out_those_that_fit_less():
    best = passage("Salary is paid on the last working day of the month.", "Pay dates")
    weak = passage("Illness is told to the manager. Sick leave is paid.", "Sick leave", score=0.95)
    said = reply("When is the salary paid each month?", best, weak)
    assert [found.number for found in citations(said, [best, weak])] == [1]


def test_a_contradiction_is_said_before_the_quotes_and_both_are_there_in_the_order_of_the_search():
    own = passage("Leave is 30 days a year.", "Leave: Germany", conflicts=["Leave#1"])
    all_ = passage("Annual leave of every employee is 25 days a year.", "Leave", conflicts=["Leave: Germany#1"])
    said = reply("How many days of annual leave does every employee have?", own, all_)
    assert said.startswith(ENGLISH.otherwise)
    assert re.findall(r"\[(\d)\]", said) == ["1", "2"]


def test_a_long_passage_gives_its_best_piece_with_the_sentences_around_it_and_no_more_than_there_is_room_for():
    filler = " ".join(f"Sentence {n} is about the canteen and its tables." for n in range(40))
    source = passage(f"{filler}\n\nParking costs 30 euros. It is deducted from pay.\n\n{filler}")
    said = reply("What does parking cost?", source)
    assert "Parking costs 30 euros. It is deducted from pay." in said
    assert len(" ".join(quoted(said)).split()) <= ROOM
    assert len(source.text.split()) > SHORT


def test_every_quoted_piece_is_a_citation_and_the_one_that_answers_comes_first():
    source = passage("Tell your manager. Sick pay is six weeks. It needs a note from a doctor.", "Illness")
    cited = citations(reply("How long is sick pay?", source), [source])
    assert {found.quote.strip() for found in cited} == {
        "Tell your manager.",
        "Sick pay is six weeks.",
        "It needs a note from a doctor.",
    }


def test_the_marks_of_any_retriever_are_quoted_with_the_whole_piece_they_stand_in():
    text = " ".join(f"Sentence {n} is about the canteen and its tables." for n in range(30))
    start = text.index("20 is about")
    marked = passage(text).model_copy(update={"highlights": [Highlight(start=start, end=start + 5, score=0.5)]})
    assert "Sentence 20 is about the canteen and its tables." in reply("What is it?", marked)
    bare = passage("## Heading").model_copy(update={"highlights": [Highlight(start=0, end=5, score=0.5)]})
    assert reply("What is it about, please?", bare).startswith(ENGLISH.nothing_found)


def test_a_refusal_shows_its_nearest_passage_and_cites_nothing():
    near = passage("Dogs are welcome on Fridays.", "Office rules", section=["Animals"])
    said = reply("May I bring a parrot, a snake or a hamster to meetings on Fridays?", near, judgement=NO)
    assert said.startswith(ENGLISH.nothing_found)
    assert "came nearest, but is not the answer. From “Office rules”, section Animals:" in said
    assert "> Dogs are welcome on Fridays." in said
    assert citations(said, [near]) == []


def test_a_short_question_without_an_answer_is_asked_back_what_was_meant():
    office = passage("Parking at the office needs a permit.", "Parking at the office")
    travel = passage("Parking on a trip is refunded.", "Travel expenses")
    said = reply("parking?", office, travel, judgement=NO)
    assert "What do you mean: Parking at the office, or Travel expenses?" in said
    long = reply("May visitors use the parking behind the eastern building?", office, travel, judgement=NO)
    assert "What do you mean" not in long
