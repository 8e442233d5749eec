"""Asking again on Ask HR: in place, in other words, or below, and the way between the versions of a question."""

import pytest

from console.app import app
from core.errors import Unavailable
from tests.console.test_pages import COLLEAGUE, EMPLOYEE, LEAVE, LETTER, ask, labels, open_as, texts

__all__ = ["open_as"]  # the fixture

LEFT = "How many vacation days do I have left?"
REMOTE = "What is our policy on remote work?"


def button(at, label, which=-1):
    return [one for one in at.button if one.label == label][which]


def click(at, label, which=-1):
    button(at, label, which).click().run()
    assert not at.exception
    return at


def questions(at):
    return [element.value for element in at.get("text")]


def turns(at, viewer=EMPLOYEE):
    return app().run(app().desk.archive.thread(viewer, at.query_params["thread"])).turns


def test_an_answer_asked_for_again_takes_the_place_of_the_old_one_which_is_one_click_away(open_as):
    at = ask(open_as(EMPLOYEE), LEFT)
    assert "Previous" not in labels(at)
    first = button(at, "Ask again").key
    click(at, "Ask again")
    assert [questions(at), turns(at)] == [[LEFT], 2]
    assert "Version 2 of 2" in texts(at)
    assert [button(at, "Previous").disabled, button(at, "Next").disabled] == [False, True]
    assert button(at, "Ask again").key != first
    click(at, "Previous")
    assert "Version 1 of 2" in texts(at)
    assert [button(at, "Previous").disabled, button(at, "Next").disabled] == [True, False]
    assert button(at, "Ask again").key == first
    assert "Version 2 of 2" in texts(click(at, "Next"))


def test_an_earlier_question_is_edited_in_place_and_what_followed_it_comes_back_with_its_version(open_as):
    at = ask(ask(open_as(EMPLOYEE), LEFT), REMOTE)
    click(at, "Edit", 0)
    assert at.text_area[0].value == LEFT
    at.text_area[0].set_value("How many vacation days does Graz get?")
    click(at, "Send")
    assert questions(at) == ["How many vacation days does Graz get?"]
    assert questions(click(at, "Previous")) == [LEFT, REMOTE]
    assert questions(open_as(EMPLOYEE, thread=at.query_params["thread"])) == [LEFT, REMOTE]


def test_an_edit_is_given_up_without_a_trace(open_as):
    at = click(ask(open_as(EMPLOYEE), LEFT), "Edit")
    at.text_area[0].set_value("Something else")
    assert questions(click(at, "Cancel")) == [LEFT]
    assert click(at, "Edit").text_area[0].value == LEFT
    assert turns(at) == 1


def test_a_version_among_more_than_a_page_of_turns_is_in_view_once_it_is_shown(open_as):
    at = ask(open_as(EMPLOYEE), LEFT)
    for number in range(10):
        ask(at, f"Hello {number}")
    click(at, "Earlier turns")
    click(at, "Ask again", 0)
    assert questions(at) == [LEFT]
    assert questions(click(at, "Previous")) == [LEFT, *(f"Hello {number}" for number in range(9))]


def test_leave_that_is_booked_cannot_be_asked_for_again_in_its_place_but_below(open_as):
    at = click(ask(ask(open_as(EMPLOYEE), LEFT), LEAVE), "Approve")
    assert {"Ask again", "Edit"}.isdisjoint(labels(at))
    again = button(at, "Ask again below")
    assert "has done something that would be done twice" in again.proto.help
    again.click().run()
    assert questions(at) == [LEFT, LEAVE, LEAVE]
    assert "Approve" in labels(at)


def test_while_a_question_is_open_nothing_is_asked_again_and_no_version_is_changed(open_as):
    at = ask(click(ask(open_as(EMPLOYEE), LEFT), "Ask again"), LEAVE)
    assert {"Ask again", "Ask again below", "Previous", "Next"}.isdisjoint(labels(at))
    assert not [one.key for one in at.button if one.key and one.key.startswith("edit_")]
    assert {"Ask again", "Edit", "Previous", "Next"} <= set(labels(click(at, "Deny").run()))


def test_an_edit_that_a_question_of_another_tab_prevents_stays_in_its_form_with_the_reason(open_as):
    at = click(ask(open_as(EMPLOYEE), LEFT), "Edit")
    ask(other := open_as(EMPLOYEE, thread=at.query_params["thread"]), LEAVE)
    at.text_area[0].set_value("In other words")
    click(at, "Send")
    assert "the last question is not finished" in texts(at)
    assert at.text_area[0].value == "In other words"
    click(other, "Deny")
    assert questions(click(at, "Send")) == ["In other words"]
    assert not at.text_area


def test_what_the_store_does_not_take_of_an_edit_stays_in_its_form(open_as, monkeypatch):
    at = click(ask(open_as(EMPLOYEE), LEFT), "Edit")

    async def fail(*_, **__):
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(app().desk, "submit", fail)
        at.text_area[0].set_value("In other words")
        click(at, "Send")
    assert "the store does not answer" in texts(at)
    assert at.text_area[0].value == "In other words"
    assert not at.chat_input[0].proto.value


@pytest.mark.parametrize("what", ["Ask again", "Next"])
def test_a_tab_that_shows_another_version_by_now_is_told_so_and_nothing_is_asked(open_as, what):
    at = click(click(ask(ask(open_as(EMPLOYEE), LEFT), REMOTE), "Ask again"), "Previous")
    click(open_as(EMPLOYEE, thread=at.query_params["thread"]), "Ask again", 0)
    before = turns(at)
    click(at, what)
    assert "an earlier question is shown in another version now" in texts(at)
    assert [questions(at), turns(at)] == [[LEFT], before]


def test_a_question_while_a_request_waits_for_an_approver_can_be_asked_again(open_as):
    at = ask(ask(open_as(EMPLOYEE), LETTER), REMOTE)
    assert "waits for an approver: withdraw that first" in button(at, "Ask again below").proto.help
    assert questions(click(at, "Ask again")) == [LETTER, REMOTE]
    assert turns(at) == 3


def test_a_thread_of_somebody_else_offers_nothing_to_ask_again(open_as):
    thread = ask(open_as(EMPLOYEE), LEFT).query_params["thread"]
    assert {"Ask again", "Edit"}.isdisjoint(labels(open_as(COLLEAGUE, thread=thread)))
