"""A running turn as the page draws it: also when it waits, or the store goes away and nothing may be drawn twice."""

from contextlib import contextmanager
from dataclasses import replace

import anyio
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import console.drawing.live
from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Options, StoreRefused, Unavailable, tool
from core.live.events import BeatEvent, BegunEvent, TextEvent, WaitingEvent
from tests.support.desks import ASKER, events


@pytest.fixture(scope="module")
def seen():
    """What a follower sees of a turn that calls a tool and then answers."""

    @tool(effect="read")
    def balance() -> dict:
        """Balance."""
        return {"left": 13}

    async def record():
        model = ScriptedModel([[Say("Let me look.", pieces=1), Call("balance", {})], [Say("You have 13.", pieces=1)]])
        async with open_store("memory:") as store, Desk(store, model, tools=[balance]) as desk:
            turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many?")
            return await events(desk, turn)

    return anyio.run(record)


@pytest.fixture
def drawn(monkeypatch):
    """Draws what each following brings, an error among it ends it, and gives the page as it is after the last."""
    monkeypatch.setattr(console.drawing.live, "ATTACH_SECONDS", 0)

    def page():
        import streamlit as st

        from console.drawing.live import draw_live
        from core import StoreRefused

        try:
            draw_live(st.session_state["follow"], lambda: None)
        except StoreRefused as error:
            st.error(str(error))

    def drawn(*followings) -> AppTest:
        left = iter(followings)

        @contextmanager
        def follow():
            yield play(next(left))

        at = AppTest.from_function(page)
        at.session_state["follow"] = follow
        return at.run()

    return drawn


def play(following):
    for event in following:
        if event is None:
            raise Unavailable("away")
        if event == "refuse":
            raise StoreRefused("allow it")
        if event == "leave":
            st.stop()
        yield event


def texts(at: AppTest) -> list[str]:
    return [element.value for element in at.markdown]


def test_while_the_store_is_away_what_was_drawn_stays_and_the_page_says_what_is_not_saved(drawn, seen):
    half = seen[: [event.kind for event in seen].index("tool.finished") + 1]
    at = drawn([*half, None], [None], ["leave"])
    assert texts(at)[0].startswith("Let me look.")
    assert len(at.status) == 1
    assert "Everything shown here is saved." in at.warning[0].value


def test_a_store_that_refuses_is_not_waited_for(drawn, seen):
    at = drawn([*seen[:2], None], ["refuse"])
    assert [error.value for error in at.error] == ["allow it"]


@pytest.mark.parametrize("breaks", range(6))
def test_an_answer_that_is_followed_anew_is_drawn_as_if_nothing_had_happened(drawn, seen, breaks):
    whole = drawn(seen)
    assert "13" in texts(whole)[0]
    assert len(seen) <= 6
    at = drawn([*seen[:breaks], None], [None], seen)
    assert [texts(at), at.warning.len, len(at.status)] == [texts(whole), 0, 1]
    assert [element.value for element in at.status[0].caption] == [element.value for element in whole.status[0].caption]


def test_a_call_that_is_passed_to_an_approver_is_drawn_at_once_and_without_a_check_mark(drawn, seen):
    [finished] = [event for event in seen if event.kind == "tool.finished"]
    deferred = replace(finished, call=finished.call.model_copy(update={"status": "deferred"}))
    at = drawn([deferred, "leave"])
    assert not at.status
    assert [(box.label, box.icon) for box in at.expander] == [
        ("Balance · Passed to an approver", ":material/approval_delegation:")
    ]


def test_a_text_that_counts_no_more_is_replaced_once_the_page_has_caught_up(drawn):
    at = drawn([TextEvent(text="One two"), None], [TextEvent(text="One"), "leave"])
    assert texts(at)[0].startswith("One two")
    at = drawn([TextEvent(text="One two"), None], [TextEvent(text="One"), BeatEvent(), "leave"])
    assert texts(at)[0] == "One ▍"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(2, "Waiting, 2 before you"), (0, "Waiting, you are next"), (None, "Waiting for a free place")],
)
def test_a_question_that_waits_shows_its_place_until_it_is_begun(drawn, ahead, words):
    waiting = [WaitingEvent(ahead=7), WaitingEvent(ahead=ahead)]
    assert texts(drawn([*waiting, "leave"])) == [f":shimmer[{words}]"]
    assert texts(drawn([*waiting, BegunEvent(), "leave"])) == [":shimmer[Looking it up]"]
    assert texts(drawn([*waiting, BegunEvent(), TextEvent(text="One"), "leave"])) == ["One ▍"]


def test_a_wait_is_a_step_of_the_timeline():
    def page():
        import streamlit as st

        from console.drawing.timeline import draw_timeline

        draw_timeline(st.session_state["view"], lambda turn: None)

    async def waited():
        async with (
            open_store("memory:") as store,
            Desk(store, ScriptedModel([[Say("One.")], [Say("Two.")]]), options=Options(turns_at_once=1)) as desk,
        ):
            turns = [await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many?") for _ in range(2)]
            for turn in turns:
                await events(desk, turn)
            return [await desk.archive.turn_view(ASKER, turn.id) for turn in turns]

    shown = []
    for view in anyio.run(waited):
        at = AppTest.from_function(page)
        at.session_state["view"] = view
        shown.append([caption.value for caption in at.run().caption if "Waited" in caption.value])
    assert shown[0] == []
    assert [caption.partition(" · ")[0].split(" ", 2)[2] for caption in shown[1]] == ["Waited for a free place"]
