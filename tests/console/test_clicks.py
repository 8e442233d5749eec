"""A click that core refuses leaves its page as it is, with the reason above it."""

import ast
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partialmethod

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from console.drawing.troubles import tell, why_refused
from console.streamlit_app import app
from core.errors import Corrupt, Denied, Full, LimitReached, NotFound, StoreBusy, TurnInProgress, Unavailable
from tests.support.paths import ROOT

NAMES = {"on_click", "on_change", "on_submit", "on_dismiss", "on_select"}
# Moves what a browser keeps into the session, and asks core nothing: Streamlit calls a component's own another way.
COMPONENTS = {("component('box')", "on_kept_change")}


def callbacks() -> Iterator[tuple[str, str, str]]:
    """Each callback in the console: where it is, the command that it is given to, and the name of the argument."""
    for path in [*(ROOT / "pages").glob("*.py"), *(ROOT / "console").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                name = keyword.arg or ""
                is_one = name in NAMES or (name.startswith("on_") and name.endswith("_change"))
                if is_one and not isinstance(keyword.value, ast.Constant):
                    yield f"{path.name}:{node.lineno}", ast.unparse(node.func), name


def test_every_callback_is_one_that_streamlit_calls_for_a_widget():
    found = list(callbacks())
    assert len(found) > 40
    others = {(command, name) for _, command, name in found if not hasattr(st, command.rpartition(".")[2])}
    assert others == COMPONENTS
    for place, command, name in found:
        if (command, name) not in COMPONENTS:
            assert name in inspect.signature(getattr(st, command.rpartition(".")[2])).parameters, place


def page() -> None:
    """A page whose clicks fail as the session says, and which shows how often it was drawn."""
    import streamlit as st

    from console.drawing.troubles import draw_not_done, guard_clicks

    def fail() -> None:
        raise st.session_state.error

    @st.fragment
    def part() -> None:
        st.button("In a fragment", on_click=fail)

    guard_clicks()
    draw_not_done()
    st.title("The page")
    st.text_input("Words", key="words", on_change=fail)
    st.button("Click", on_click=fail)
    with st.form("form"):
        st.form_submit_button("Send", on_click=fail)
    st.chat_input("Ask", on_submit=fail)
    st.selectbox("Choice", ["a", "b"], on_change=fail)
    st.feedback("thumbs", on_change=fail)
    part()


ERRORS = [
    (Corrupt("thread:1", 7, "wrong hash"), "cannot be read"),
    (NotFound("thread", "1"), "was not found"),
    (Denied("roles.grant"), "your role does not allow it"),
    (Unavailable("away"), "does not answer"),
    (StoreBusy("its lock is held by process 7"), "is busy"),
    (Full("the disk is full"), "is full"),
    (TurnInProgress("1", "running"), "is not finished"),
]


def told(at: AppTest, why: str) -> None:
    """The page is drawn, with this reason above it, and without it the next time."""
    assert not at.exception
    (error,) = at.error
    assert error.value.startswith("This could not be done: ")
    assert why in error.value
    assert [title.value for title in at.title] == ["The page"]
    at.run()
    assert not at.error


@pytest.mark.parametrize(("error", "why"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS])
def test_a_click_that_core_refuses_leaves_the_page_with_what_was_typed(error, why):
    at = AppTest.from_function(page).run()
    at.session_state.error = error
    at.text_input[0].set_value("typed")
    at.button[0].click().run()
    told(at, why)
    assert at.text_input[0].value == "typed"


@pytest.mark.parametrize(
    "act",
    [
        lambda at: at.text_input[0].set_value("typed"),
        lambda at: at.button[1].click(),
        lambda at: at.button[2].click(),
        lambda at: at.chat_input[0].set_value("Why?"),
        lambda at: at.selectbox[0].set_value("b"),
        lambda at: at.feedback[0].set_value(1),
    ],
    ids=["text", "form", "fragment", "chat", "choice", "feedback"],
)
def test_it_is_the_same_for_every_kind_of_widget(act):
    at = AppTest.from_function(page).run()
    at.session_state.error = NotFound("thread", "1")
    act(at).run()
    told(at, "was not found")


def test_a_fault_of_the_program_is_not_taken_for_a_refusal():
    at = AppTest.from_function(page).run()
    at.session_state.error = ZeroDivisionError("a fault")
    at.button[0].click().run()
    assert len(at.exception) == 1
    assert not tell(ZeroDivisionError("a fault"))


def test_what_a_fragment_lets_through_is_told_in_words_too(monkeypatch):
    def failing() -> None:
        import streamlit as st

        from core.errors import Corrupt

        @st.fragment
        def part() -> None:
            raise Corrupt("thread:1", 7, "wrong hash")

        st.title("The page")
        part()

    # As `st.App` does it, which no test without a server has.
    monkeypatch.setattr(
        ScriptRunner, "__init__", partialmethod(ScriptRunner.__init__, on_script_error=app._on_script_error)
    )
    at = AppTest.from_function(failing).run()
    assert not at.exception
    assert "cannot be read" in at.error[0].value


def test_a_limit_is_told_with_the_time_from_which_one_can_ask_again():
    until = datetime(2036, 12, 1, 14, 20, tzinfo=UTC)
    reached = LimitReached("You have asked 5 questions in this minute, the most allowed.", limit="x", until=until)
    said = "you have asked 5 questions in this minute, the most allowed."
    assert why_refused(reached) == f"{said} You can ask again from 1 Dec 2036, 14:20 UTC."
    assert why_refused(LimitReached(reached.said, limit="x")) == said
