"""The cutter: blocks as one text, and the text in pieces that can be read by themselves."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.handbooks.documents.cutter import LONGEST, LONGEST_HEAD, LONGEST_TABLE, cut, indexed_text
from backends.handbooks.documents.model import Block, Part


def heading(level, text):
    return Block(shape="heading", level=level, parts=(Part(text),))


def paragraph(text, page=None):
    return Block(shape="text", parts=(Part(text, page),))


def items(*texts):
    return Block(shape="list", parts=tuple(Part(f"- {text}") for text in texts))


def rows(*texts):
    return Block(shape="table", head="| A | B |\n|---|---|", parts=tuple(Part(f"| {text} | x |") for text in texts))


def words(n, word="word"):
    return " ".join([word] * n)


def size(piece):
    return len(piece.text.split())


def test_a_piece_knows_its_trail_of_headings_and_begins_at_the_first_that_is_new():
    text, pieces = cut(
        [
            paragraph("Before."),
            heading(1, "Leave"),
            heading(2, "Days"),
            heading(3, "Part-time"),
            paragraph("Fewer."),
            heading(2, "Asking"),
            paragraph("First."),
        ],
        "Leave",
    )
    assert [(piece.section, piece.text, text[piece.start : piece.end]) for piece in pieces] == [
        ((), "Before.", "Before."),
        (("Days", "Part-time"), "Fewer.", "# Leave\n\n## Days\n\n### Part-time\n\nFewer."),
        (("Asking",), "First.", "## Asking\n\nFirst."),
    ]


def test_a_first_heading_that_is_not_the_title_stays_in_the_trail():
    _, pieces = cut([heading(1, "The 2026 edition"), heading(2, "Days"), paragraph("Three.")], "Leave")
    assert pieces[0].section == ("The 2026 edition", "Days")


def test_a_heading_with_nothing_below_it_is_the_text_of_its_own_piece():
    _, pieces = cut([heading(1, "Leave"), heading(2, "Days"), heading(2, "Asking"), paragraph("First.")], "Leave")
    assert [(piece.section, piece.text) for piece in pieces] == [(("Days",), "Days"), (("Asking",), "First.")]


def test_no_blocks_are_no_pieces():
    assert cut([], "Leave") == ("", ())


def test_small_sections_are_not_drawn_together():
    _, pieces = cut([heading(2, "A"), paragraph("One."), heading(2, "B"), paragraph("Two.")], "T")
    assert [piece.text for piece in pieces] == ["One.", "Two."]


def test_a_long_section_is_cut_between_paragraphs():
    _, pieces = cut([heading(1, "A"), *[paragraph(words(100))] * 5], "T")
    assert [size(piece) for piece in pieces] == [200, 200, 100]
    assert {piece.section for piece in pieces} == {("A",)}


def test_a_long_paragraph_is_cut_between_sentences_and_a_long_sentence_between_words():
    _, pieces = cut([paragraph(f"{words(150)}. {words(150)}. {words(60)}. {words(600)}")], "T")
    assert [size(piece) for piece in pieces] == [150, 240, 240, 240, 90]
    assert pieces[0].text.endswith("word.")


def test_text_without_spaces_is_cut_too():
    _, pieces = cut([paragraph("あ" * 10_000)], "T")
    assert "".join(piece.text for piece in pieces) == "あ" * 10_000
    assert max(len(piece.text) for piece in pieces) <= LONGEST * 12


@pytest.mark.parametrize("lead", ["The amounts:", "**The amounts:**", ""])
def test_a_table_over_350_words_is_cut_between_rows_and_repeats_its_header_and_lead_in(lead):
    before = [paragraph(lead)] if lead else []
    table = rows(*(f"row {n} {words(40)}" for n in range(12)))
    text, pieces = cut([*before, table], "T")
    head = (f"{lead}\n\n" if lead else "") + "| A | B |\n|---|---|\n| row "
    assert len(pieces) > 1
    assert all(piece.text.startswith(head) and size(piece) <= LONGEST for piece in pieces)
    kept = [line for piece in pieces for line in piece.text.split("\n") if "row" in line]
    assert kept == [part.text for part in table.parts]
    assert text.count("| A | B |") == 1


def test_a_table_of_up_to_350_words_is_one_piece():
    _, pieces = cut([paragraph("See:"), rows(*(words(30) for _ in range(10)))], "T")
    assert [LONGEST < size(piece) <= LONGEST_TABLE for piece in pieces] == [True]


def test_a_row_longer_than_a_piece_is_cut_and_repeats_the_header():
    _, pieces = cut([rows(words(500))], "T")
    assert len(pieces) == 3
    assert all(piece.text.startswith("| A | B |\n|---|---|\n") for piece in pieces)


def test_a_list_that_is_cut_repeats_the_line_that_leads_in():
    _, pieces = cut([paragraph("Please bring:"), items(*(f"item {n} {words(40)}" for n in range(12)))], "T")
    assert len(pieces) > 1
    assert all(piece.text.startswith("Please bring:\n\n- item ") for piece in pieces)


def test_a_lead_in_is_not_parted_from_its_list():
    _, pieces = cut([paragraph(words(LONGEST - 10)), paragraph("Please bring:"), items(words(20), "two")], "T")
    assert [piece.text.startswith("Please bring:\n\n- word") for piece in pieces] == [False, True]


def test_a_line_that_leads_in_to_no_list_is_a_paragraph():
    _, pieces = cut([paragraph("Note:"), paragraph("Nothing."), paragraph("Then:"), heading(1, "A"), items("x")], "T")
    assert [piece.text for piece in pieces] == ["Note:\n\nNothing.\n\nThen:", "- x"]


def test_a_head_that_would_drown_what_stands_below_it_is_not_repeated():
    lead = words(LONGEST_HEAD + 1, "lead") + ":"
    _, pieces = cut([paragraph(lead), items(*(words(40) for _ in range(12)))], "T")
    assert sum(piece.text.count("lead:") for piece in pieces) == 1


def test_a_piece_is_on_the_page_where_it_begins():
    _, pieces = cut([heading(1, "A"), paragraph(words(200), 3), paragraph(words(200), 4)], "T")
    assert [piece.page for piece in pieces] == [3, 4]


def test_what_is_indexed_has_the_whole_trail_above_it():
    assert indexed_text("Leave", ("Days", "Part-time"), "Fewer.") == "Leave > Days > Part-time\nFewer."


def solid(text):
    return re.sub(r"\s+", "", text)


TEXTS = st.text("abc .:\n|-#äあ", min_size=1, max_size=60).map(str.strip).filter(bool)
LONG = st.builds(lambda text, n: " ".join([text] * n), TEXTS, st.sampled_from([1, 1, 1, 90, 400]))
BLOCKS = st.lists(
    st.one_of(
        st.builds(heading, st.integers(0, 6), TEXTS.map(lambda text: " ".join(text.split()))),
        st.builds(paragraph, LONG),
        st.lists(LONG, min_size=1, max_size=6).map(lambda texts: items(*texts)),
        st.lists(LONG, min_size=1, max_size=6).map(lambda texts: rows(*texts)),
    ),
    max_size=12,
)


@given(BLOCKS)
def test_every_character_but_space_is_in_the_span_of_one_piece_and_in_what_it_says(blocks):
    text, pieces = cut(blocks, "abc")
    assert solid("".join(text[piece.start : piece.end] for piece in pieces)) == solid(text)
    assert all(a.end <= b.start for a, b in pairwise(pieces))
    for piece in pieces:
        span, said = solid(text[piece.start : piece.end]), solid(piece.text)
        assert span.endswith(said) or said.endswith(span)


@given(BLOCKS)
def test_what_the_blocks_say_is_in_the_text_in_their_order(blocks):
    text, _ = cut(blocks, "abc")
    rest = solid(text)
    for part in (solid(part.text) for block in blocks for part in block.parts):
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]


@given(BLOCKS)
def test_no_piece_is_longer_than_it_may_be(blocks):
    _, pieces = cut(blocks, "abc")
    assert all(size(piece) <= LONGEST_TABLE for piece in pieces)
    assert all(size(piece) <= LONGEST for piece in pieces if "|---|" not in piece.text)
