"""Text from outside on a page: it may be formatted, it loads nothing, and a link says where it leads."""

import re
from html import unescape
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from console.drawing.marking import marked
from console.drawing.sources import with_markers
from console.drawing.text import answer_markdown, label, markdown
from core.values import Citation, Passage

MARKDOWN = MarkdownIt("commonmark").enable("table")
MARKDOWN.validateLink = lambda url: True  # type: ignore[method-assign]  # the parser itself lets no scheme out


def links(text: str) -> list[tuple[str, str]]:
    """The targets of the links that are drawn of this Markdown, each with the text that is drawn as its link."""
    found: list[tuple[str, str]] = []
    for block in MARKDOWN.parse(text):
        around: list[list[str]] = []  # the parser allows an address in angle brackets within a link
        for token in block.children or []:
            if token.type == "link_open":
                around.append([str(token.attrs["href"]), ""])
            elif token.type == "link_close":
                target, words = around.pop()
                found.append((target, words))
            for link in around:
                link[1] += token.content
    return found


def tokens(text: str) -> list[Token]:
    return [token for block in MARKDOWN.parse(text) for token in [block, *(block.children or [])]]


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
        ("[the portal](https://evil.example)", "[the portal (evil.example)](https://evil.example)"),
        ("[a](HTTP://Evil.Example:81/x?y=1#z)", "[a (evil.example:81)](HTTP://Evil.Example:81/x?y=1#z)"),
        ('[the portal](https://evil.example "good.example")', "[the portal (evil.example)](https://evil.example)"),
        ("[](https://evil.example)", "[ (evil.example)](https://evil.example)"),
        ("[**HR**](mailto:a_b@x.example)", "[**HR** (a\\_b@x.example)](mailto:a_b@x.example)"),
        ("[call us](tel:+43-1-99)", "[call us (+43-1-99)](tel:+43-1-99)"),
        ("[a](https://x.example/?a=1&copy=2)", "[a (x.example)](https://x.example/?a=1&amp;copy=2)"),
        ("[a](https://x.example:81/:b:c)", "[a (x.example:81)](https://x.example:81/%3Ab%3Ac)"),
        ("| [a](https://x.example) |", "| [a (x.example)](https://x.example) |"),
        ("See [the *list*](../leave/annual_leave.md#how-to).", "See the *list*."),
        ("[a](/auth/logout) [b](//evil.example) [c](#d)", "a b c"),
        ("See [section 3](leave.md) [4](#d)", "See section 3 [4]\\(#d)"),
        # Its text says it already.
        ("[https://x.example/a](https://x.example/a)", "[https://x.example/a](https://x.example/a)"),
        ("[x.example](https://x.example/a)", "[x.example](https://x.example/a)"),
        ("<https://x.example>", "<https://x.example>"),
    ],
)
def test_a_link_shows_where_it_leads_beside_its_text(text, drawn):
    assert markdown(text) == drawn


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
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](JavaScript&colon;alert)",
        "[a](<javascript:alert(1)>)",
        "[a](data:text/html,x)",
        "<javascript:alert(1)>",
        "[<javascript:alert(1)>](https://x.example)",
        "<[javascript](x.md):alert(1)> [a](x.md)",
        "[a](vbscript:x) [b](file:///etc/passwd) [c](blob:x)",
        "[a](thread?tr_id=1) [b]() [c](<thread>) [d](/x\\y) [e](thread)",
        "[a](https:evil.example) [b](https:/evil.example) [c](https:\\\\evil.example)",
        "[a](https://good.example@evil.example) [b](https://good.example&period;evil.example)",
        "[a](https://good.example\\@evil.example) [b](https://xn--good&#46;evil.example)",
        "[a](mailto:hr@x.example?bcc=evil@evil.example)",
        "[a][b]\n\n[b]: https://evil.example",
        "[a]\n\n[a]: javascript:alert(1)",
        "[a][]\n\n> [a]:\n> https://evil.example",
        "[a [b] c](https://evil.example)",
    ],
)
def test_a_link_that_leads_elsewhere_or_not_certainly_there_is_words(text):
    assert links(text)
    assert links(markdown(text)) == []


@pytest.mark.parametrize("draw", [markdown, label])
@pytest.mark.parametrize(
    "text",
    [
        "https://good.example@evil.example/x",
        "See (HTTPS://good.example:443@evil.example).",
        "<https://good.example@evil.example>",
        "[a](https://good.example@evil.example)",
        "[a](https://x.example)https://good.example@evil.example",
        "www.good.example@evil.example",
        "http://http://good.example@evil.example",
        "https://good.ex\u0430mple/x",
        "https://good.example\u2044login.evil.example",
        "https://good.example%40evil.example",
    ],
)
def test_an_address_that_hides_its_host_begins_no_link(draw, text):
    assert not re.search(r"https?://|www\.", plain(draw(text)), re.IGNORECASE)


@pytest.mark.parametrize(
    "text", [r"https\://good.example@evil.example", "h&#116;tps://good.example&commat;evil.example"]
)
def test_nor_does_one_whose_signs_are_escapes(text):
    assert not re.search(r"https?://", plain(markdown(text)))


@pytest.mark.parametrize(
    "text",
    [
        "https://x.example/@a?b=%20#é, or https://x.example:81.",
        "\u201ehttps://x.example\u201c",
        "[a (x.example)](https://x.example)é@",
        "`git clone https://me@x.example`",
        "hr@x.example é",
    ],
)
def test_any_other_address_is_left_alone(text):
    assert "\u2060" not in markdown(text)


def plain(drawn):
    """What is read of drawn Markdown: GitHub's looks for addresses in it once more."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", unescape(drawn))


def test_letters_that_turn_the_reading_around_are_left_out():
    assert markdown("[\u202eportal](https://evil.example)") == "[portal (evil.example)](https://evil.example)"


def test_in_a_label_they_are_marked():
    assert label("e-1042\u202e7001") == "e\\-1042\ufffd7001"


def test_a_citation_that_looks_like_a_link_stays_a_citation():
    passage = Passage(id="p", document="d", title="Leave", section=[], version="1", text="25 days.", score=1)
    citation = Citation(number=1, passage=passage, quote="")
    assert with_markers("25 days [1](https://evil.example)", [citation]) == (
        r"25 days :blue-badge[1]\(https://evil.example)"
    )


def test_a_quote_with_a_link_is_found_in_its_passage_and_marked():
    passage = "Ask in [the portal](https://x.example). You get 25 days."
    text, left = marked(passage, ["Ask in [the portal](https://x.example)."])
    assert (text, left) == (
        ":orange-background[Ask in [the portal (x.example)](https://x.example).] You get 25 days.",
        [],
    )


PIECES = st.sampled_from(
    [
        *(
            "[",
            "]",
            "(",
            ")",
            "](",
            "]:",
            "][",
            "<",
            ">",
            "!",
            "\\",
            "`",
            "```",
            "|",
            "\n",
            "\n\n",
            " ",
            "\t",
            "*",
            "_",
        ),
        *('"', "'", "&", "&#58;", "&lpar;", "&period;", ":", "/", "//", "@", "#", "?", ".", "> ", "- ", "$", "~~"),
        *("a", "7", "portal", "good.example", "evil.example", "https:", "http://", "HTTPS://", "javascript:", "data:"),
        *("mailto:", "tel:", "+43", "hr@x.example", "[a](https://evil.example)", "[b]: https://evil.example\n"),
        *("[c](<https://evil.example>)", "[a](", "](https://evil.example)", "<https://evil.example>", "![x](y)"),
        *("x.md", "](x.md)", "[d](/e)", "[javascript](x.md)"),
    ]
)


def assert_links_are_visible(text: str) -> None:
    drawn = markdown(text)
    assert not [token for token in tokens(drawn) if token.type == "image"]
    for target, words in links(drawn):
        parts = urlsplit(target)
        assert parts.scheme in ("http", "https", "mailto", "tel")
        assert unquote(parts.netloc or parts.path).lower() in words.lower()


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=24).map("".join))
def test_every_link_that_is_drawn_of_any_text_has_its_target_in_its_text(text):
    assert_links_are_visible(text)


@pytest.mark.torture
@settings(max_examples=50_000, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_every_link_that_is_drawn_of_very_many_texts_has_its_target_in_its_text(text):
    assert_links_are_visible(text)


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
