"""What an approver does on their page, and what it says if something else has happened to a request meanwhile."""

from console.app import app
from core import Viewer
from core.turn.deferred import report_turn
from tests.console.test_pages import APPROVER, EMPLOYEE, LETTER, ask, labels, open_as, texts
from tests.support.desks import ended

__all__ = ["open_as"]  # the fixture

ADMIN = Viewer("e-7001", {"administrator"})
OTHER_APPROVER = Viewer("e-3002", {"employee", "approver"}, country="austria")


def requested(open_as):  # the fixture
    """A request that waits: its thread and its call."""
    thread = thread_of(ask(open_as(EMPLOYEE), LETTER))
    (call,) = app().run(app().desk.oversight.waiting_calls(APPROVER)).items
    return thread, call


def thread_of(at):
    """The id of the thread that the chat shows."""
    thread = at.query_params["thread"]
    return thread if isinstance(thread, str) else thread[0]


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def said(at):
    return texts(at).replace("\\", "")


def links(at):
    """The links of the page by their text: their parameters."""
    return {link.proto.label: link.proto.query_string for link in at.get("page_link")}


def reported(thread, call):
    """The turn that reports the decision, once it has ended."""
    turn, _ = report_turn(thread, call)
    return app().run(ended(app().desk, turn, EMPLOYEE))


def test_a_card_says_what_happens_next_and_the_request_runs_once_it_is_approved(open_as):
    thread, call = requested(open_as)
    at = open_as(APPROVER, "approvals")
    assert "Requested by e-1042" in said(at)
    assert "It runs as soon as the thread is free; the employee is told there, with your reason." in said(at)
    assert "it expires and does not run" in said(at)
    assert links(at)["Open this call"] == f"tc_id={call.call}"
    press(at, "Approve")
    assert "Approved. The request runs as soon as the thread is free; the employee is told there." in said(at)
    assert "No requests are waiting" in said(at)
    reported(thread, call.call)
    carried = app().run(app().desk.archive.turn_view(EMPLOYEE, report_turn(thread, call.call)[0])).calls[0]
    assert (carried.status, carried.carries_out) == ("succeeded", call.call)


def test_a_request_is_denied_with_the_reason_that_was_typed(open_as):
    thread, call = requested(open_as)
    at = open_as(APPROVER, "approvals")
    at.text_input(key=f"card_reason_{call.call}").set_value("Ask payroll")  # and clicked at once, without a run between
    press(at, "Deny")
    assert "Denied. The request will not run; the employee is told in the thread." in said(at)
    decision = app().run(app().desk.archive.deferred_call(EMPLOYEE, call.call)).decision
    assert (decision.outcome, decision.by, decision.reason) == ("denied", APPROVER.id, "Ask payroll")
    assert reported(thread, call.call).status == "completed"


def test_a_decision_after_another_approvers_is_not_saved_and_names_them(open_as):
    thread, call = requested(open_as)
    at = open_as(APPROVER, "approvals")
    app().run(app().desk.decide(OTHER_APPROVER, call.call, "deny", call.digest))
    press(at, "Approve")
    assert "Not saved: e-3002 has denied this request before you." in said(at)
    assert reported(thread, call.call).report == call.call


def test_a_decision_on_what_was_taken_back_is_not_saved_and_says_so(open_as):
    _, call = requested(open_as)
    at = open_as(APPROVER, "approvals")
    app().run(app().desk.withdraw(EMPLOYEE, call.call))
    press(at, "Approve")
    assert "Not saved: the request was closed, because the person who asked took it back." in said(at)
    assert "Approve" not in labels(at)


def test_an_approver_opens_the_call_before_and_after_they_decide_and_not_the_thread(open_as):
    thread, call = requested(open_as)
    at = open_as(APPROVER, "call", tc_id=call.call)
    assert {"Back to approvals"} == {*links(at)} - {"Ask HR", "Approvals", "Audit log"}
    assert "Bank Graz" in " ".join(str(table.value) for table in at.get("table"))
    app().run(app().desk.decide(APPROVER, call.call, "approve", call.digest))
    reported(thread, call.call)
    at = open_as(APPROVER, "call", tc_id=call.call)
    press(at, "Open the call that carries it out")
    assert at.query_params["tc_id"] != call.call
    assert "Open its thread" not in links(at)
    assert "SL-00001" in " ".join(str(table.value) for table in at.get("table")).replace("\\", "")
    press(at, "Open the request that it carries out")
    assert "Passed to an approver" in said(at)


def test_a_card_says_that_its_tool_is_off_and_what_is_approved_all_the_same_does_not_run(open_as):
    thread, call = requested(open_as)
    app().run(app().desk.administration.switch_off_tool(ADMIN, "salary_letter", "wrong letterhead"))
    at = open_as(APPROVER, "approvals")
    assert "While it is off, it does not run, even if it is approved." in said(at)
    assert "wrong letterhead" not in said(at)  # the reason is for administrators
    press(at, "Approve")
    assert "Approved. An administrator has switched this off: while it is off, it does not run." in said(at)
    reported(thread, call.call)
    at = open_as(EMPLOYEE, thread=thread)
    assert "Salary letter · Switched off" in [box.label for box in at.expander]
