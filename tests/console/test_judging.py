"""Judging answers on the Thread page, for each role, and walking through the list that an auditor came from."""

from console.app import app
from console.drawing.walk import Walk
from core.errors import Unavailable
from core.gate import Viewer
from tests.console.test_pages import AUDITOR, COLLEAGUE, EMPLOYEE, ask, labels, open_as, texts

__all__ = ["open_as"]  # the fixture

HANDLER = Viewer("e-5001", {"employee", "handler"}, purpose="on duty", country="austria")
LEFT = "How many vacation days do I have left?"
REMOTE = "What is our policy on remote work?"
WALK = Walk(ids=("a", "b", "c"))


def test_a_walk_knows_what_comes_before_and_after_and_where_it_ends():
    assert [WALK.place(one) for one in ("a", "c", "x")] == [1, 3, None]
    assert [WALK.next(one) for one in ("a", "b", "c", "x")] == ["b", "c", None, None]
    assert [WALK.previous(one) for one in ("a", "b", "c", "x")] == [None, "a", "b", None]
    assert Walk().next("a") is None


def thread_of(open_as, *questions, viewer=EMPLOYEE):
    """A thread with these questions answered: its id, and those of its turns."""
    at = open_as(viewer)
    for question in questions:
        ask(at, question)
    thread = at.query_params["thread"]
    return thread, turns_of(viewer, thread)


def turns_of(viewer, thread):
    return [view.turn.id for view in app().run(app().desk.archive.transcript(viewer, thread)).turns]


def review_of(turn, viewer=AUDITOR):
    return app().run(app().desk.archive.turn_view(viewer, turn)).review


def press(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def test_an_auditor_judges_an_answer_and_sees_all_verdicts(open_as):
    thread, (turn,) = thread_of(open_as, LEFT)
    second = Viewer("e-2002", {"auditor"}, purpose="second opinion")
    app().run(app().desk.judge(second, turn, "right", note="The record says so."))
    at = press(open_as(AUDITOR, "thread", tr_id=thread), "jd_next")
    assert "The record says so." in texts(at)
    assert at.button(key=f"jd_save_{turn}").disabled  # nothing is chosen
    press(at, f"jd_wrong_{turn}")
    at.button_group(key=f"jd_cause_{turn}").set_value("misread")
    at.text_area(key=f"jd_note_{turn}").set_value("It is 12.")
    at.text_area(key=f"jd_corrected_{turn}").set_value("You have 12 days.")
    press(at, f"jd_save_{turn}")
    given = review_of(turn).given[-1]
    assert (given.by, given.verdict, given.cause) == ("e-2001", "wrong", "misread")
    assert (given.note, given.corrected) == ("It is 12.", "You have 12 days.")
    said = texts(at)
    assert "Wrong] · Misread · e\\-2001" in said
    assert "Right] · e\\-2002" in said
    press(at, f"jd_right_{turn}")
    press(at, f"jd_save_{turn}")
    assert review_of(turn).verdicts == ["right"]


def test_a_wrong_answer_needs_a_cause_and_the_text_stays(open_as):
    thread, (turn,) = thread_of(open_as, LEFT)
    at = press(open_as(AUDITOR, "thread", tr_id=thread), "jd_next")
    press(at, f"jd_wrong_{turn}")
    at.text_area(key=f"jd_note_{turn}").set_value("It is 12.")
    press(at, f"jd_save_on_{turn}")
    assert "Choose why it is wrong" in texts(at)
    assert at.text_area(key=f"jd_note_{turn}").value == "It is 12."
    assert review_of(turn) is None


def test_a_verdict_that_was_not_saved_is_told_and_the_text_stays(open_as, monkeypatch):
    thread, (turn,) = thread_of(open_as, LEFT)
    at = press(open_as(AUDITOR, "thread", tr_id=thread), "jd_next")
    press(at, f"jd_right_{turn}")

    async def away(*_, **__):
        raise Unavailable("away")

    monkeypatch.setattr(app().desk, "judge", away)
    at.text_area(key=f"jd_note_{turn}").set_value("Checked.")
    press(at, f"jd_save_{turn}")
    assert "the store does not answer" in texts(at)
    assert at.text_area(key=f"jd_note_{turn}").value == "Checked."


def test_nobody_gets_the_form_for_their_own_answers(open_as):
    thread, _ = thread_of(open_as, LEFT, viewer=AUDITOR)
    at = open_as(AUDITOR, "thread", tr_id=thread)
    assert "You cannot judge the answers to your own questions." in texts(at)
    assert at.button(key="jd_next").disabled
    assert not [expander for expander in at.expander if expander.label.startswith("Judge")]


def test_a_handler_judges_a_sealed_answer_and_an_employee_sees_no_verdicts(open_as):
    thread, (turn,) = thread_of(open_as, "I want to kill myself")
    at = open_as(AUDITOR, "thread", tr_id=thread)
    assert "does not exist, or you may not open it" in texts(at)
    at = press(open_as(HANDLER, "thread", tr_id=thread), "jd_next")
    press(at, f"jd_right_{turn}")
    press(at, f"jd_save_{turn}")
    assert review_of(turn, HANDLER).verdicts == ["right"]
    at = open_as(EMPLOYEE, thread=thread)
    assert "Judge" not in " ".join(expander.label for expander in at.expander)
    assert "e\\-5001" not in texts(at)


def test_next_goes_to_the_next_answer_without_a_verdict_and_then_to_the_next_thread_of_the_list(open_as):
    first, (one, two, three) = thread_of(open_as, LEFT, REMOTE, LEFT)
    second, (four,) = thread_of(open_as, REMOTE, viewer=COLLEAGUE)
    app().run(app().desk.judge(AUDITOR, two, "right"))
    at = open_as(AUDITOR, "thread", tr_id=first)
    at.session_state["th_walk"] = Walk(ids=(first, second))
    at.run()
    assert "Thread 1 of 2" in texts(at)
    press(at, "jd_next")
    assert at.session_state["jd_open"] == one
    press(at, f"jd_right_{one}")
    press(at, f"jd_save_on_{one}")
    assert at.session_state["jd_open"] == three  # two has a verdict already
    press(at, "jd_previous")
    assert at.session_state["jd_open"] == two
    press(at, "jd_next")
    press(at, f"jd_cannot_tell_{three}")
    press(at, f"jd_save_on_{three}")
    assert (at.query_params["tr_id"], at.session_state["jd_open"]) == (second, four)
    assert "Thread 2 of 2" in texts(at)
    press(at, f"jd_right_{four}")
    press(at, f"jd_save_on_{four}")
    assert "The list ends here." in texts(at)
    assert at.button(key="jd_next").disabled
    assert [review_of(turn).verdicts for turn in (one, two, three, four)] == [
        ["right"],
        ["right"],
        ["cannot_tell"],
        ["right"],
    ]
    press(at, "jd_previous")
    assert at.query_params["tr_id"] == first


def test_next_does_not_skip_the_earlier_answers_of_a_long_thread(open_as):
    thread, _ = thread_of(open_as, LEFT)
    for number in range(10):
        turn = app().run(app().desk.submit(EMPLOYEE, thread, f"Question {number}"))
        app().run(_ended(turn.id))
    newest = turns_of(EMPLOYEE, thread)[-10:]  # what the page shows
    for turn in newest[1:]:
        app().run(app().desk.judge(AUDITOR, turn, "right"))
    at = press(open_as(AUDITOR, "thread", tr_id=thread), "jd_next")
    assert at.session_state["jd_open"] == newest[0]
    press(at, "jd_next")
    assert at.session_state["jd_open"] not in (None, *newest)


async def _ended(turn):
    async for _ in app().desk.follow(EMPLOYEE, turn):
        pass


def test_next_goes_on_with_the_next_page_of_the_list(open_as):
    older, (one,) = thread_of(open_as, LEFT)
    newer, (two,) = thread_of(open_as, REMOTE, viewer=COLLEAGUE)
    app().run(app().desk.judge(AUDITOR, two, "right"))
    page = app().run(app().desk.oversight.search_threads(AUDITOR, limit=1))
    assert [row.thread.id for row in page.items] == [newer]
    at = open_as(AUDITOR, "thread", tr_id=newer)
    at.session_state["th_walk"] = Walk(ids=(newer,), cursor=page.cursor)
    at.run()
    assert "Thread 1 of 1 or more" in texts(at)
    press(at, "jd_next")
    assert (at.query_params["tr_id"], at.session_state["jd_open"]) == (older, one)
    assert "Thread 2 of 2" in texts(at)


def test_the_end_of_a_list_is_said(open_as):
    thread, (turn,) = thread_of(open_as, LEFT)
    app().run(app().desk.judge(AUDITOR, turn, "right"))
    at = open_as(AUDITOR, "thread", tr_id=thread)
    at.session_state["th_walk"] = Walk(ids=(thread,))
    at.run()
    assert "The list ends here." in texts(at)
    assert "Judge" in " ".join(expander.label for expander in at.expander)
    assert "Save" not in labels(at)


def test_a_walk_holds_a_thread_once():
    walk = WALK.longer(["b", "d"], None)
    assert walk.ids == ("a", "b", "c", "d")
    assert walk.next("c") == "d"
