"""What the asker and an auditor see of a turn that was answered elsewhere, on the pages of both."""

import pytest

from console.app import app
from tests.console.test_pages import AUDITOR, EMPLOYEE, open_as

__all__ = ["open_as"]  # the fixture

CALL = {"id": "c1", "function": {"name": "old_tool", "arguments": '{"of": "e-1042"}'}}
HISTORY = [
    {"role": "user", "content": "How many days?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "30"},
    {"role": "assistant", "content": "Thirty."},
]


@pytest.mark.parametrize(("viewer", "page"), [(EMPLOYEE, "chat"), (AUDITOR, "thread")])
def test_an_imported_turn_says_so_and_shows_its_calls(open_as, viewer, page):
    open_as(EMPLOYEE)
    thread = app().run(app().desk.create_thread(EMPLOYEE, history=HISTORY))
    at = open_as(viewer, page, **({"tr_id": thread.id} if page == "thread" else {"thread": thread.id}))
    assert not at.exception
    shown = " ".join(one.value for one in at.markdown)
    assert "Imported" in shown
    assert "From another program" in shown
    assert "Thirty." in shown
    assert any("ran elsewhere" in box.label for box in at.expander)
    assert "took" not in shown
