"""Markers in a text that is being written: held back until they are whole, and left out where they point to nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrieval.markers import _OPEN, HELD, Markers

PIECES = st.sampled_from(
    [
        "[",
        "]",
        "1",
        "2",
        "9",
        "12",
        ",",
        " ",
        "a",
        ".",
        "\n",
        "[1]",
        "[9]",
        "[1, 9]",
        "[x]",
        "ü",
        "【",
        "】",
        "^",
        "†",
        "【1】",
        "[^9]",
    ]
)


def written(text, passages, pieces=1):
    markers = Markers(passages)
    shown = [markers.feed(text[n : n + pieces]) for n in range(0, len(text), pieces)]
    return "".join([*shown, markers.end()]), markers.left_out


@pytest.mark.parametrize("pieces", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("text", "shown", "left_out"),
    [
        ("25 days [1].", "25 days [1].", []),
        ("25 days[2], at least.", "25 days[2], at least.", []),
        ("Both [1, 2].", "Both [1][2].", []),
        ("Neither [3].", "Neither.", [3]),
        ("One [1,7] of them", "One [1] of them", [7]),
        ("None [0] here", "None here", [0]),
        ("A list [x] and [1", "A list [x] and [1", []),
        ("[1]", "[1]", []),
        ("[9]", "", [9]),
        ("Blanks [ 2 ] within", "Blanks [2] within", []),
        ("Too [12345] long", "Too [12345] long", []),
        ("ends in a blank ", "ends in a blank ", []),
        ("Both [1][2].", "Both [1][2].", []),
        ("So 【1】 and【2, 1】.", "So [1] and[2][1].", []),
        ("So 【1†handbook.pdf】 and 【9†L3-L5】.", "So [1] and.", [9]),
        ("So \uff3b1、2\uff3d.", "So [1][2].", []),
        ("So [^1] and [^9] and [^1^] and [^1, ^2].", "So [1] and and [1] and [1][2].", [9]),
        ("All [1, 2, 1, 2, 1, 2, 1, 2]", "All [1][2][1][2][1][2][1][2]", []),
        ("Long " + "[1" + ", 1" * 21 + "]", "Long " + "[1" + ", 1" * 21 + "]", []),
        ("Long 【1†" + "x" * 70 + "】", "Long 【1†" + "x" * 70 + "】", []),
        ("A [^note], 【x】 and [1;2]", "A [^note], 【x】 and [1;2]", []),
        ("[9【9】]", "[9 ]", [9]),
        ("【1†[9]", "【1†", [9]),
    ],
)
def test_a_marker_stands_if_it_points_to_a_passage_however_the_text_comes(text, shown, left_out, pieces):
    assert written(text, 2, pieces) == (shown, left_out)


def test_nothing_is_a_marker_where_nothing_was_searched():
    assert written("a[7] = b[8]", None) == ("a[7] = b[8]", [])


@given(st.lists(PIECES, max_size=30))
def test_few_characters_are_held_back_and_what_is_shown_is_never_taken_back(pieces):
    markers = Markers(2)
    shown, fed = "", 0
    for piece in pieces:
        shown += markers.feed(piece)
        fed += len(piece)
        whole, _ = written("".join(pieces), 2)
        assert whole.startswith(shown)
        assert len(markers._held) <= HELD
    assert whole == shown + markers.end() if pieces else True


@given(st.lists(PIECES, max_size=30))
def test_no_marker_in_what_is_shown_points_to_nothing(pieces):
    shown, _ = written("".join(pieces), 2, 4)
    assert {int(number) for number in re.findall(r"\[(\d{1,3})\]", shown)} <= {1, 2}


def test_markers_that_point_to_nothing_cost_no_look_back_at_all_that_was_shown(monkeypatch):
    class Counted:
        looked = 0

        def search(self, text):
            self.looked += len(text)
            return _OPEN.search(text)

    counted = Counted()
    monkeypatch.setattr("core.retrieval.markers._OPEN", counted)
    shown, left_out = written("Twelve days [9]." * 2_000, 2, 100_000)
    assert (shown, left_out) == ("Twelve days." * 2_000, [9] * 2_000)
    assert counted.looked <= HELD * 2_000
