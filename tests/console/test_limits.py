"""Limits on the pages: a person reads their own, and an administrator who is at one, and until when."""

import re

from streamlit.testing.v1 import AppTest

from tests.console.test_pages import texts
from tests.support.desks import PATIENCE


def page():
    from datetime import UTC, datetime
    from decimal import Decimal
    from types import SimpleNamespace

    from console.drawing.limits import draw_own_limits, draw_reached

    def state(person, limit, used, most, *, reached, until=datetime(2036, 12, 1, 14, 20, tzinfo=UTC)):
        return SimpleNamespace(person=person, limit=limit, used=used, most=most, until=until, reached=reached)

    draw_own_limits(
        [
            state("e-1", "person_turns_at_once", 2, 2, until=None, reached=True),
            state("e-1", "person_turns_a_day", 12, 1_000, reached=False),
            state("e-1", "person_usd_a_day", Decimal("0.5"), Decimal("0.5"), reached=True),
            state("e-1", "question_characters", 0, 4_000, until=None, reached=False),
        ]
    )
    draw_reached([])
    draw_reached(
        [
            state(None, "desk_tokens_a_day", 10, 10, reached=True),
            state("*e-1*", "person_turns_at_once", 7, 7, until=None, reached=True),
        ]
    )


def test_each_limit_says_how_much_is_used_and_when_it_begins_anew():
    at = AppTest.from_function(page, default_timeout=PATIENCE).run()
    assert not at.exception
    assert texts(at).replace("\\", "").splitlines() == [
        "- **Limit, questions at once:** 2 of 2, reached: again when a question has been answered",
        "- **Limit, questions a day:** 12 of 1,000",
        "- **Limit, cost a day:** $0.50 of $0.50, reached: again from 1 Dec 2036, 14:20 UTC",
        "- **Limit, characters of a question:** 4,000",
        "Nobody is at a limit now.",
    ]
    (table,) = at.table
    assert [[cell.replace("\\", "") for cell in row] for row in table.value.to_numpy().tolist()] == [
        ["All people together", "Tokens a day", "from 1 Dec 2036, 14:20 UTC"],
        ["*e-1*", "Questions at once", "when a question has been answered"],
    ]


def endings():
    from datetime import UTC, datetime, timedelta
    from types import SimpleNamespace

    from console.drawing.turns import draw_ending
    from core.clock import iso

    now = datetime.now(UTC)
    for until in (None, now, now + timedelta(days=2)):
        said = f"Your department's *budget* is used up.{' Ask again at 00:00 UTC.' if until else ''}"
        turn = SimpleNamespace(imported=None, status="failed", code="limit", until=until and iso(until), message=said)
        draw_ending(turn)


def test_a_turn_that_a_limit_has_ended_says_which_and_when_to_ask_again_if_that_is_known():
    at = AppTest.from_function(endings, default_timeout=PATIENCE).run()
    assert not at.exception
    unknown, today, later = (error.value.partition("My data shows your limits.")[2] for error in at.error)
    assert unknown == ""
    for error in at.error:
        assert error.value.replace("\\", "").startswith(
            "Your department's *budget* is used up. So the answer ends here."
        )
    assert re.fullmatch(r" You can ask again (at \d\d:\d\d|from \d+ \w+ \d{4}, \d\d:\d\d UTC)\.", today)
    assert re.fullmatch(r" You can ask again from \d+ \w+ \d{4}, \d\d:\d\d UTC\.", later)


def test_an_hour_of_today_has_no_date_and_one_of_another_day_has():
    at = AppTest.from_function(again_in_zones, default_timeout=PATIENCE).run()
    assert not at.exception
    assert [text.value for text in at.text] == ["at 14:20", "from 1 Dec 2026, 09:00 JST"]


def again_in_zones():
    from datetime import UTC, datetime
    from types import SimpleNamespace
    from unittest.mock import patch
    from zoneinfo import ZoneInfo

    import streamlit as st

    from console.drawing import text

    now = SimpleNamespace(now=lambda: datetime(2026, 11, 30, 13, 0, tzinfo=UTC))
    until = datetime(2026, 11, 30, 14, 20, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    with patch.object(text, "SystemClock", lambda: now):
        for zone, moment in zip(("UTC", "Asia/Tokyo"), until, strict=True):
            with patch.object(text, "reader_zone", lambda zone=zone: ZoneInfo(zone)):
                st.text(text.again(moment))
