"""Text from outside on a page: it may be formatted, and it loads nothing."""

import pytest

from console.drawing.text import answer_markdown, label, markdown


@pytest.mark.parametrize(
    "text",
    ["![a](http://x/y.png)", "\\![a](http://x/y.png)", "![a][b]\n\n[b]: http://x/y.png", "[![a](http://x)](http://y)"],
)
def test_markdown_has_no_image_left(text):
    assert "![" not in markdown(text)


def test_a_label_has_no_markup_left():
    assert label("![a](b) **c** :red[d]\ne") == r"\!\[a\]\(b\) \*\*c\*\* \:red\[d\] e"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("a :smile: b", "a :\u2060smile: b"),
        (":streamlit: :+1:", ":\u2060streamlit: :\u2060+1:"),
        (":material/delete:", "&#58;material/delete:"),
        ("at 10:30:45 or 9:00", "at 10:30:45 or 9:00"),
        ("A -> B, x >= 5", "A \u2060-> B, x \u2060>= 5"),
        ("a -- b", "a \u2060-- b"),
        ("rolltop --force (c)", "rolltop --force (c)"),
        ("`a -> b :smile:` -> c", "`a -> b :smile:` \u2060-> c"),
        ("```\na -> b\n```\na -> b", "```\na -> b\n```\na \u2060-> b"),
        ("| a | b |\n| -- | -- |\n| 1 | 2 |", "| a | b |\n| -- | -- |\n| 1 | 2 |"),
        ("Title\n--\ntext", "Title\n--\ntext"),
    ],
)
def test_words_between_colons_and_arrows_stand_as_written(text, drawn):
    assert markdown(text) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("First line\nsecond line", "First line  \nsecond line"),
        ("First  \nsecond\n\nthird", "First  \nsecond\n\nthird"),
        ("Look:\n```\na\nb\n```", "Look:\n```\na\nb\n```"),
    ],
)
def test_the_single_line_breaks_of_an_answer_are_kept(text, drawn):
    assert answer_markdown(text) == drawn
