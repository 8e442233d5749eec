"""Quoted words marked in a passage: where they stand, whatever Markdown they stand in, and however hostile it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.drawing.marking import marked
from console.drawing.text import markdown

MARK = ":orange-background["


def split(written: str) -> tuple[list[str], str]:
    """What is marked, in order, and the text without its marks. A mark ends where its own bracket closes."""
    marked, plain = [], ""
    while MARK in written:
        before, _, rest = written.partition(MARK)
        depth = end = 0
        while depth >= 0:
            end += 2 if rest[end] == "\\" else 1
            depth += (rest[end : end + 1] == "[") - (rest[end : end + 1] == "]")
        marked.append(rest[:end])
        plain, written = plain + before + rest[:end], rest[end + 1 :]
    return marked, plain + written


def marks(text: str, *quotes: str) -> list[str]:
    return split(marked(text, quotes)[0])[0]


def test_a_quote_is_marked_where_it_stands():
    written, left = marked("First this. Then three days a week. Then that.", ["Then three days a week."])
    assert written == "First this. :orange-background[Then three days a week.] Then that."
    assert left == []


def test_a_quote_over_lines_is_marked_line_by_line_and_list_items_stay_items():
    written, _ = marked("You need:\n\n- a contract\n- 4 weeks **of work**\n", ["- a contract\n- 4 weeks **of work**"])
    assert written == ("You need:\n\n- :orange-background[a contract]\n- :orange-background[4 weeks **of work**]\n")


def test_a_table_row_is_marked_cell_by_cell():
    table = "| Who | Days |\n|---|---|\n| All | 25 |\n| Part \\| time | 13 |"
    assert marks(table, "| All | 25 |") == ["All", "25"]
    assert marks(table, "| Part \\| time | 13 |") == ["Part \\| time", "13"]


def test_words_that_are_spaced_otherwise_are_found():
    assert marks("at most\nthree days", "at most three days") == ["at most", "three days"]


@pytest.mark.parametrize(
    ("text", "quote", "mark"),
    [
        ("**Three days. And two.** Not more.", "And two.** Not", "**Three days. And two.** Not more."),
        ("See [the list](x.md). Ask.", "the list", "the list"),
        ("See [the list. Ask](https://x).", "the list.", "the list."),
    ],
)
def test_a_mark_that_would_cut_a_pair_in_two_grows_to_the_line(text, quote, mark):
    assert marks(text, quote) == [mark]


def test_a_quote_that_cuts_a_link_in_two_is_left():
    assert marked("See [the list. Ask](https://x.example).", ["Ask](https://x.example)."])[1] == [
        "Ask](https://x.example)."
    ]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Nothing of it.", "Something else"),
        ("```\nthree days\n```", "three days"),
        ("An open ] bracket", "An open ] bracket"),
    ],
)
def test_a_quote_that_cannot_be_marked_is_given_back(text, quote):
    assert marked(text, [quote]) == (markdown(text), [quote])


def test_each_quote_is_marked_once_and_empty_ones_are_none():
    written, left = marked("One. Two.", ["One.", "One.", "  ", ""])
    assert (written.count(MARK), left) == (1, [])


def test_a_mark_of_the_passages_own_is_shown_as_what_was_written():
    written, _ = marked(":orange-background[Pay nothing.] Pay all.", ["Pay all."])
    assert written.count(MARK) == 1
    assert "&#58;orange-background[Pay nothing.]" in written


def test_what_stands_beside_a_mark_cannot_change_it():
    written, _ = marked("Note:three{.evil} days", ["three"])
    assert written == "Note&#58;:orange-background[three]\\{.evil} days"


@given(text=st.text(alphabet="ab !:[](){}|*_`\\\n-#$.1", max_size=60), data=st.data())
def test_marking_adds_marks_and_takes_nothing_away(text, data):
    """Without the marks the text is what it would be without any quote; no image has come of it."""
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    written, left = marked(text, [quote])
    found, plain = split(written)
    assert "![" not in written
    assert not any("\n" in mark for mark in found)
    assert bool(found) != bool(left or not quote.strip())
    assert literal(plain) == literal(markdown(text))


def literal(text: str) -> str:
    return text.replace("&#58;", ":").replace("\\{", "{")
