"""A passage's Markdown in blocks: what may be quoted, and what stands above it."""

from hypothesis import given
from hypothesis import strategies as st

from backends.passages.blocks import read_blocks

MIXED = """**How long is sick pay?**

Six weeks, e.g. Graz. More
by contract. Is that all?

The company pays:

- a desk
- a chair
  with wheels

- a lamp

<details>
<summary>Can I carry days over?</summary>

| Country | Days |
|---|---|
| Austria | 5 |

</details>

See [the form](https://a.example). Forms:

- [one](https://a.example/1)

## Nothing below"""


def test_blocks_know_their_units_their_lead_and_the_title_they_stand_below():
    assert [
        (
            block.shape,
            block.title.text if block.title else None,
            [one.text for one in block.lead],
            [one.text for one in block.units],
        )
        for block in read_blocks(MIXED)
    ] == [
        ("sentences", "**How long is sick pay?**", [], ["Six weeks, e.g. Graz.", "More\nby contract.", "Is that all?"]),
        (
            "list",
            "**How long is sick pay?**",
            ["The company pays:"],
            ["- a desk", "- a chair\n  with wheels", "- a lamp"],
        ),
        (
            "table",
            "<summary>Can I carry days over?</summary>",
            ["| Country | Days |", "|---|---|"],
            ["| Austria | 5 |"],
        ),
        ("sentences", "<summary>Can I carry days over?</summary>", [], ["See [the form](https://a.example)."]),
        ("list", "<summary>Can I carry days over?</summary>", ["Forms:"], ["- [one](https://a.example/1)"]),
    ]  # fmt: skip - a row for each block


def test_a_question_and_a_link_alone_are_no_answers():
    answers = {unit.text: unit.answers for block in read_blocks(MIXED) for unit in block.units}
    assert [text for text, answer in answers.items() if not answer] == ["Is that all?", "- [one](https://a.example/1)"]


@given(
    st.lists(
        st.sampled_from(
            ["- a", "| b |", "|---|", "Text. More?", "**T**", "<summary>q</summary>", "  c", "", "1. d", "## e", "x:"]
        )
    ).map("\n".join)
    | st.text()
)
def test_every_unit_is_the_passages_own_words_at_its_place(text):
    for block in read_blocks(text):
        for unit in (*block.units, *block.lead, *([block.title] if block.title else [])):
            assert text[unit.start : unit.end] == unit.text
        assert block.units
        assert all(unit.text.strip() for unit in block.units)
