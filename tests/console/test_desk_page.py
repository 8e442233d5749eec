"""What Ask HR says before and around a conversation: the notice, the welcome, and questions that wait."""

import pytest
from streamlit.testing.v1 import AppTest

from console.app import app
from console.drawing import ai_notice
from console.drawing.ai_notice import NOTICE
from console.drawing.waiting import UNTIL_DECIDED
from console.waiting import MOST
from core.canonical import digest
from core.errors import Unavailable
from tests.console.test_pages import COLLEAGUE, EMPLOYEE, LEAVE, ask, labels, open_as, texts

__all__ = ["open_as"]  # the fixture

LEFT = "How many vacation days do I have left?"
REMOTE = "What is our policy on remote work?"


def click(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def questions(at):
    """The questions of the thread on the page, as they are on record."""
    transcript = app().run(app().desk.archive.transcript(EMPLOYEE, at.query_params["thread"]))
    return [view.turn.question for view in transcript.turns]


def waiting(at):
    return [question.text for question in at.session_state["chat_waiting"].get(at.query_params["thread"], ())]


def test_the_notice_is_acknowledged_once_on_record_and_by_each_person_for_themselves(open_as):
    at = open_as(EMPLOYEE)
    assert "You are talking to an AI." in texts(at)
    assert "I understand" in labels(ask(at, REMOTE))
    click(at, "I understand")
    for session in (at, open_as(EMPLOYEE)):
        assert "I understand" not in labels(session)
    assert "I understand" in labels(open_as(COLLEAGUE))
    person = app().run(app().desk.archive.person(EMPLOYEE))
    assert person.notice == NOTICE


def test_a_new_version_of_the_notice_asks_again(open_as, monkeypatch):
    at = click(open_as(EMPLOYEE), "I understand")
    monkeypatch.setattr("console.asking.NOTICE", "ai-and-readers-next")
    assert "I understand" in labels(open_as(EMPLOYEE))
    assert "I understand" in labels(at.run())


def test_who_can_read_stays_one_click_away(open_as):
    at = click(open_as(EMPLOYEE), "I understand")
    assert all(words in texts(at) for words in ai_notice._WORDS)


def test_the_words_of_the_notice_have_the_version_that_was_acknowledged():
    """Change NOTICE with the words, and then this digest: what people have acknowledged must be what they read."""
    assert (NOTICE, digest(list(ai_notice._WORDS))[:12]) == ("ai-and-readers-1", "9e3a28bf8463")


def test_an_acknowledgement_that_is_not_saved_says_so_and_the_notice_stays(open_as, monkeypatch):
    at = open_as(EMPLOYEE)

    async def away(viewer, notice):
        raise Unavailable("gone")

    monkeypatch.setattr(app().desk, "acknowledge", away)
    click(at, "I understand")
    assert "the store does not answer" in texts(at)
    assert "I understand" in labels(at)


def test_a_topic_is_a_button_that_asks_it(open_as):
    at = open_as(EMPLOYEE)
    topics = [button for button in at.button if (button.key or "").startswith("chat_topic_")]
    assert [topic.label.split("**")[1] for topic in topics] == ["Vacation", "Remote work", "Family", "Travel", "Leave"]
    topics[1].click().run()
    assert questions(at) == [REMOTE]


def test_only_the_welcome_says_that_no_language_model_is_set_up(open_as):
    at = open_as(EMPLOYEE)
    assert "No language model is set up" in texts(at)
    assert "No language model is set up" not in texts(ask(at, REMOTE))


def test_a_question_waits_while_its_asker_has_not_decided_and_then_is_asked_by_itself(open_as):
    at = ask(ask(open_as(EMPLOYEE), LEAVE), REMOTE)
    assert UNTIL_DECIDED in texts(at)
    assert [questions(at), waiting(at)] == [[LEAVE], [REMOTE]]
    click(at, "Deny")
    assert [questions(at), waiting(at)] == [[LEAVE, REMOTE], []]
    assert UNTIL_DECIDED not in texts(at)


def test_waiting_questions_are_asked_in_their_order_and_no_more_wait_than_may(open_as):
    at = ask(open_as(EMPLOYEE), LEAVE)
    several = [f"Question {n}?" for n in range(MOST)]
    for question in several:
        ask(at, question)
    ask(at, "One too many?")
    assert waiting(at) == several
    assert at.chat_input[0].value == "One too many?"
    assert f"{MOST} questions wait already" in texts(at)
    click(at, "Deny")
    for _ in several:
        at.run()
    assert questions(at) == [LEAVE, *several]


def test_a_waiting_question_is_edited_in_the_box_or_removed(open_as):
    at = ask(ask(ask(open_as(EMPLOYEE), LEAVE), LEFT), REMOTE)
    next(one for one in at.button if one.key and one.key.startswith("chat_chip_Edit")).click().run()
    assert waiting(at) == [REMOTE]
    assert at.session_state["chat_edited"]["text"] == LEFT
    click(at, "Remove")
    assert waiting(at) == []
    assert questions(click(at, "Deny")) == [LEAVE]


def test_a_waiting_question_that_is_not_saved_goes_on_waiting(open_as, monkeypatch):
    at = ask(ask(open_as(EMPLOYEE), LEAVE), REMOTE)
    submit = app().desk.submit

    async def away(*given, **named):
        raise Unavailable("gone")

    monkeypatch.setattr(app().desk, "submit", away)
    click(at, "Deny")
    assert "the store does not answer" in texts(at)
    assert waiting(at) == [REMOTE]
    monkeypatch.setattr(app().desk, "submit", submit)
    at.run()
    assert [questions(at), waiting(at)] == [[LEAVE, REMOTE], []]


def test_a_question_that_two_sessions_keep_is_asked_once(open_as):
    at = ask(ask(open_as(EMPLOYEE), LEAVE), REMOTE)
    thread = at.query_params["thread"]
    reloaded = open_as(EMPLOYEE, thread=thread)
    reloaded.session_state["chat_waiting"] = dict(at.session_state["chat_waiting"])
    click(at, "Deny")
    reloaded.run()
    assert waiting(reloaded) == []
    assert questions(at) == [LEAVE, REMOTE]


@pytest.mark.parametrize(
    "copy", [None, "text", 7, {}, [None], ["text"], [{"text": 7, "request_id": "r"}], [{"text": "without an id"}]]
)
def test_what_a_browser_keeps_is_taken_only_as_far_as_it_is_questions(open_as, copy):
    def page():
        import streamlit as st

        from console.waiting import WaitingQuestions

        WaitingQuestions("t").restore(st.session_state["copy"])
        st.session_state["restored"] = WaitingQuestions("t").all

    at = AppTest.from_function(page)
    at.session_state["copy"] = copy
    at.run()
    assert not at.exception
    assert at.session_state["restored"] == ()


def test_the_end_of_a_turn_that_is_over_before_the_page_draws_it_is_said_too(open_as, monkeypatch):
    at, desk = open_as(EMPLOYEE), app().desk
    submit = desk.submit

    async def answered(*given, **named):
        turn = await submit(*given, **named)
        async for _ in desk.follow(EMPLOYEE, turn.id):
            pass
        return turn

    monkeypatch.setattr(desk, "submit", answered)
    assert ask(at, REMOTE).session_state["chat_said"]["text"] == "Answer complete"
