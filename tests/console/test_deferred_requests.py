"""Requests that wait for an approver, as Ask HR draws them: waiting, decided, reported, or closed."""

import pytest
from streamlit.testing.v1 import AppTest

import console.drawing.deferred
from console.app import app
from core.log.records import Decision
from tests.console.test_asking_again import REMOTE, button, click, questions
from tests.console.test_pages import APPROVER, EMPLOYEE, LETTER, ask, labels, open_as, texts

__all__ = ["open_as"]  # the fixture


def request(at, which=0):
    """The deferred call of the page's thread, as it is on record."""
    transcript = app().run(app().desk.archive.transcript(EMPLOYEE, at.query_params["thread"]))
    return [call for view in transcript.turns for call in view.deferred][which]


def decide(at, outcome, reason=None):
    call = request(at)
    app().run(app().desk.decide(APPROVER, call.call, outcome, call.digest, reason=reason))
    return at.run()


def test_a_request_for_an_approver_is_a_card_and_the_next_question_is_answered_at_once(open_as):
    at = ask(open_as(EMPLOYEE), LETTER)
    assert "Issue a letter to Bank Graz that confirms the salary" in texts(at)
    assert "Waits for an approver until" in texts(at)
    assert "Withdraw" in labels(at)
    assert "three days a week" in texts(ask(at, REMOTE))
    again = open_as(EMPLOYEE, thread=at.query_params["thread"])
    assert "Waits for an approver until" in texts(again)
    assert "Withdraw" in labels(again)


def test_the_step_of_a_request_that_waits_has_no_check_mark_and_says_where_it_is(open_as):
    at = ask(open_as(EMPLOYEE), LETTER)
    [step] = [box for box in at.expander if box.label.startswith("Salary letter")]
    assert step.label == "Salary letter · Passed to an approver"
    assert step.icon == ":material/approval_delegation:"


def test_an_approved_request_is_reported_by_the_desk_with_what_it_did(open_as):
    at = decide(ask(open_as(EMPLOYEE), LETTER), "approve", "*as agreed*")
    said = texts(at)
    assert "Salary letter, by e\\-3001" in said
    assert "The request is reported below." in said
    assert ":material/check_circle: Your request “Salary letter” was approved by e\\-3001" in said
    assert said.count("Reason: *as agreed*") == 2
    assert "Salary letter" in [box.label for box in at.expander]
    assert "Withdraw" not in labels(at)
    assert questions(at) == [LETTER, "Reason: *as agreed*", "Reason: *as agreed*"]


def test_what_an_approver_changed_before_it_ran_is_said(open_as):
    at = ask(open_as(EMPLOYEE), LETTER)
    call, desk = request(at), app().desk
    app().run(desk.decide(APPROVER, call.call, "approve", call.digest, arguments={"recipient": "Bank Linz"}))
    at.run()
    assert "was approved with changes by e\\-3001" in texts(at)
    assert "Approved with changes] Salary letter" in texts(at)


def test_a_report_can_be_rated_but_not_asked_again(open_as):
    at = decide(ask(open_as(EMPLOYEE), LETTER), "approve")
    assert {"Ask again", "Edit"}.isdisjoint(labels(at))
    assert labels(at).count("Ask again below") == 1  # the question that made the request
    assert len(at.feedback) == 2


def test_a_denied_request_says_who_denied_it_and_why(open_as):
    at = decide(ask(open_as(EMPLOYEE), LETTER), "deny", "not this year")
    said = texts(at)
    assert "Your request “Salary letter” was denied by e\\-3001" in said
    assert said.count("Reason: not this year") == 2
    assert ":gray-badge[:material/block: Denied] Salary letter, by e\\-3001" in said


def test_a_request_is_withdrawn_by_its_asker(open_as):
    at = click(ask(open_as(EMPLOYEE), LETTER), "Withdraw")
    assert "You took the request back, so nothing was done." in texts(at)
    assert "Withdraw" not in labels(at)
    assert request(at).closed == "withdrawn"
    assert button(at, "Ask again")


def test_a_request_that_was_decided_on_meanwhile_is_not_withdrawn_and_the_page_says_so(open_as):
    at = ask(open_as(EMPLOYEE), LETTER)
    decide(open_as(EMPLOYEE, thread=at.query_params["thread"]), "approve")
    click(at, "Withdraw")
    assert "the request was decided on" in texts(at)
    assert "The request is reported below." in texts(at)


def test_the_page_watches_its_thread_only_while_something_waits(open_as, monkeypatch):
    watches = []
    monkeypatch.setattr(console.drawing.deferred, "watch", watches.append)
    at = ask(open_as(EMPLOYEE), REMOTE)
    assert not watches
    ask(at, LETTER)
    assert not watches[-1]()
    at.run()
    assert not watches[-1]()
    call = request(at)
    app().run(app().desk.decide(APPROVER, call.call, "deny", call.digest))
    assert watches[-1]()
    watched = len(watches)
    at.run()
    assert "was denied by" in texts(at)
    assert len(watches) == watched


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "closed", "closed": "expired"}, "Nobody decided in time"),
        ({"status": "closed", "closed": "withdrawn"}, "You took the request back"),
        ({"status": "closed", "closed": "erased", "arguments": None}, "erased before it was decided"),
        ({"status": "closed", "closed": "tool_gone", "decision": "given"}, "The desk cannot do this any more"),
        ({"status": "decided", "decision": "given"}, "as soon as the newest answer has ended"),
        ({"status": "decided", "decision": "denied"}, ":material/block: Denied"),
        ({"status": "reported", "decision": "given", "report": "t9"}, "reported below."),
    ],
)
def test_what_became_of_a_request_is_said_in_words_with_an_icon(open_as, changes, said):
    def page():
        import streamlit as st

        from console.drawing.deferred import draw_deferred

        draw_deferred(st.session_state["call"], None, lambda call: None, off=False)

    call = request(ask(open_as(EMPLOYEE), LETTER))
    if outcome := changes.get("decision"):
        decision = Decision(outcome=outcome, by="e-3001", at=call.asked_at, asked=call.digest, digest=call.digest)
        changes = {**changes, "decision": decision}
    at = AppTest.from_function(page)
    at.session_state["call"] = call.model_copy(update=changes)
    at.run()
    assert not at.exception
    assert said in texts(at)
    assert "-badge[:material/" in texts(at)
    assert ("by e\\-3001" in texts(at)) == (outcome is not None)
    assert not at.button
