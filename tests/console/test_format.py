"""Money, counts and times read the same on the pages and on the command line."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from console.format import ago, cost, counted, day, exact_time, local_time, money, progress, tokens, took, total_tokens
from console.tool_words import ToolWords, add_tool_words, what_it_does
from core.log.records import Totals
from core.values import Usage


@pytest.mark.parametrize(
    ("nano", "text"),
    [(None, "unknown"), (0, "$0"), (1_200_000, "$0.0012"), (3, "$0.000000003"), (12_345_000_000, "$12.35")],
)
def test_money_has_two_digits_after_its_zeros_and_at_least_cents(nano, text):
    assert money(nano) == text


@pytest.mark.parametrize(
    ("known", "unknown", "text"),
    [(0, 0, "$0"), (1_200_000, 0, "$0.0012"), (1_200_000, 2, "$0.0012 + 2 calls unknown"), (0, 1, "unknown")],
)
def test_a_cost_says_how_much_of_it_is_unknown(known, unknown, text):
    assert cost(Totals(cost=known, cost_unknown=unknown)) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "turn", "1 turn"),
        (2, "turn", "2 turns"),
        (0, "entry", "0 entries"),
        (1200, "entry", "1,200 entries"),
        (2, "day", "2 days"),
        (9, "person", "9 people"),
    ],
)
def test_a_count_agrees_with_its_noun(number, noun, text):
    assert counted(number, noun) == text


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (Usage(), "tokens unknown"),
        (Usage(input=1200, output=80), "1,200 tokens in, 80 out"),
        (Usage(input=7), "7 tokens in, unknown out"),
    ],
)
def test_a_token_count_that_is_missing_is_unknown_and_never_0(usage, text):
    assert tokens(usage) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(None, "unknown"), (340, "340 ms"), (2_100, "2.1 s"), (185_000, "3 min 5 s")]
)
def test_a_duration_has_the_unit_of_its_size(milliseconds, text):
    assert took(milliseconds) == text


def test_a_sum_of_tokens_says_how_many_calls_are_unknown():
    assert total_tokens(Totals(input_tokens=1200, output_tokens=80)) == "1,200 tokens in, 80 out"
    assert total_tokens(Totals(input_tokens=7, tokens_unknown=1)) == "7 tokens in, 0 out + 1 call unknown"
    assert total_tokens(Totals(tokens_unknown=1)) == "unknown"


def test_progress_counts_what_is_done_of_all():
    assert progress(1200, 3000, "entry") == "1,200 of 3,000 entries"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (-5, "0 s ago"),
        (1 / 3, "20 s ago"),
        (59, "59 min ago"),
        (61, "1 h ago"),
        (47 * 60, "47 h ago"),
        (72 * 60, "3 days ago"),
    ],
)
def test_an_age_has_the_unit_of_its_size_and_is_never_in_the_future(minutes, text):
    assert ago(timedelta(minutes=minutes)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-12-04", "Friday 4 December 2026"),
        ("2026-02-30", "2026-02-30"),
        ("annual", "annual"),
        ("", ""),
        ("2026-12-04T10:00", "2026-12-04T10:00"),
    ],
)
def test_a_day_is_named_with_its_weekday(text, said):
    assert day(text) == said


def test_what_a_call_will_do_names_its_days():
    add_tool_words({"away": ToolWords("Booking", "Away", "Away from {start}, {hours} hours")})
    assert what_it_does("away", {"start": "2026-12-04", "hours": 8}) == "Away from Friday 4 December 2026, 8 hours"
    assert what_it_does("away", {"hours": 8}) == "Run “Away”."


def test_a_moment_names_its_time_zone():
    assert local_time("2026-11-24T09:30:00.000Z", ZoneInfo("Europe/Vienna")) == "24 Nov 2026, 10:30 CET"


def test_an_exact_moment_has_its_milliseconds():
    assert exact_time("2026-11-24T09:30:05.070Z", ZoneInfo("Europe/Vienna")) == "24 Nov 2026, 10:30:05.070 CET"
