"""The time that a list covers."""

from datetime import UTC, date, datetime

import pytest

from console.drawing.periods import Period, period

TODAY = date(2026, 3, 15)


def at(*day):
    return datetime(*day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [
        ("today", at(2026, 3, 15), at(2026, 3, 16)),
        ("7d", at(2026, 3, 9), at(2026, 3, 16)),
        ("30d", at(2026, 2, 14), at(2026, 3, 16)),
        ("month", at(2026, 3, 1), at(2026, 3, 16)),
        ("last_month", at(2026, 2, 1), at(2026, 3, 1)),
        ("all", None, None),
    ],
)
def test_a_preset_covers_whole_days(preset, since, until):
    assert period(preset, TODAY) == Period(since, until)


def test_chosen_days_are_covered_to_the_end_of_the_last_one():
    assert period("days", TODAY, date(2026, 1, 1), date(2026, 1, 31)) == Period(at(2026, 1, 1), at(2026, 2, 1))
    assert period("days", TODAY, None, date(2026, 1, 31)) == Period(None, at(2026, 2, 1))
