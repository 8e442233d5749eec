"""Limits on the pages: a person reads their own, and an administrator who is at one, and until when."""

from streamlit.testing.v1 import AppTest

from tests.console.test_pages import texts
from tests.support.desks import PATIENCE


def page():
    from datetime import UTC, datetime
    from decimal import Decimal
    from types import SimpleNamespace

    from console.drawing.limits import draw_own_limits, draw_reached

    def state(person, limit, used, most, *, reached, until=datetime(2026, 12, 1, 14, 20, tzinfo=UTC)):
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
        "- **Limit, cost a day:** $0.50 of $0.50, reached: again at 1 Dec 2026, 14:20 UTC",
        "- **Limit, characters of a question:** 4,000",
        "Nobody is at a limit now.",
    ]
    (table,) = at.table
    assert [[cell.replace("\\", "") for cell in row] for row in table.value.to_numpy().tolist()] == [
        ["All people together", "Tokens a day", "at 1 Dec 2026, 14:20 UTC"],
        ["*e-1*", "Questions at once", "when a question has been answered"],
    ]
