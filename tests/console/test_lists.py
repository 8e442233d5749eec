"""The lists that auditors live in: their rows, their filters and counts, and what of them is in the URL."""

import pytest

from console.app import app
from console.drawing.thread_rows import _beginning
from console.scalars import scalar
from core.desk.snippets import snippet
from core.gate import Viewer
from tests.console.test_pages import AUDITOR, COLLEAGUE, EMPLOYEE, LEAVE, LETTER, ask, open_as, texts

__all__ = ["open_as"]  # the fixture

HANDLER = Viewer("e-5001", {"employee", "handler"}, purpose="on duty", country="austria")
LEFT = "How many vacation days do I have left?"
REMOTE = "What is our policy on remote work?"
IN_NEED = "I want to kill myself"


def rows(at, place=-1):
    """The rows of a table, as dicts; by default of the last one."""
    return at.dataframe[place].value.to_dict("records") if at.dataframe else []


def choose(at, key, *ids):
    at.button_group(key=key).set_value(list(ids)).run()
    assert not at.exception
    return at


def pills(at, key):
    """The labels of the choices."""
    return [option.content for option in at.button_group(key=key).proto.options]


def url(at):
    return {name: [values] if isinstance(values, str) else values for name, values in at.query_params.items()}


def said(at):
    """All that the page says, without the escapes of Markdown."""
    return texts(at).replace("\\", "")


def test_a_row_says_what_came_of_a_thread_and_names_nobody(open_as):
    at = ask(open_as(EMPLOYEE), LEFT)
    ask(at, REMOTE)
    at = open_as(AUDITOR, "threads")
    (row,) = rows(at)
    assert row["Question"] == LEFT
    assert list(row["Outcomes"]) == ["1 No handbook", "1 Sourced"]
    assert list(row["Tools"]) == ["Vacation balance"]
    assert row["Cost"] == "$0"
    assert row["Person"].startswith("EMP-")
    assert "1042" not in str(row)
    assert "**1 thread**" in said(at)


def test_all_threads_in_which_something_failed_are_one_choice_away_with_its_count(open_as):
    at = open_as(EMPLOYEE)
    ask(at, LEFT)
    at = open_as(AUDITOR, "threads")
    assert {"Failed · 0", "Answered without a handbook · 1"} <= {*pills(at, "th_outcome")}
    choose(at, "th_outcome", "failed")
    assert rows(at) == []
    assert "No threads match" in said(at)
    assert url(at) == {"th_outcome": ["failed"]}
    choose(at, "th_outcome", "failed", "unsourced")
    assert len(rows(at)) == 1


def test_a_choice_stays_though_the_counts_in_the_labels_change(open_as):
    ask(open_as(EMPLOYEE), LEFT)
    at = choose(open_as(AUDITOR, "threads"), "th_status", "succeeded")
    for outcomes in (["failed"], ["unsourced"], []):
        choose(at, "th_outcome", *outcomes)
        assert at.session_state["th_status"] == ["succeeded"]
    assert len(rows(at)) == 1


def test_a_link_chooses_by_ids_and_shows_ids_that_are_gone(open_as):
    ask(open_as(EMPLOYEE), LEFT)
    at = open_as(AUDITOR, "threads", th_outcome="unsourced", th_time="30d", th_status="invented")
    assert at.session_state["th_outcome"] == ["unsourced"]
    assert at.selectbox(key="th_time").value == "30d"
    assert at.session_state["th_status"] == []
    assert len(rows(at)) == 1
    at = open_as(AUDITOR, "threads", th_handbook="gone/document")
    assert rows(at) == []
    assert "Handbook cited: gone/document" in said(at)


def test_words_and_people_are_never_in_the_url(open_as):
    ask(open_as(EMPLOYEE), LEFT)
    at = open_as(AUDITOR, "threads")
    at.text_input(key="th_words").set_value("vacation").run()
    at.text_input(key="th_person").set_value("e-1042").run()
    assert len(rows(at)) == 1
    assert url(at) == {}
    at.text_input(key="th_person").set_value("e-1077").run()
    assert rows(at) == []
    at = open_as(AUDITOR, "tool_calls")
    at.text_input(key="tc_person").set_value("e-1042").run()
    assert (len(rows(at)), url(at)) == (1, {})


def test_a_person_is_named_in_a_look_of_its_own(open_as):
    at = open_as(AUDITOR, "threads")
    at.text_input(key="th_person").set_value("e-1042").run()
    entries = app().run(app().desk._store.read("audit:e-2001"))
    assert entries[-1].shell["object"] == "person:e-1042"


def test_with_words_the_row_shows_where_they_are_and_nothing_is_counted(open_as):
    at = open_as(EMPLOYEE)
    ask(at, REMOTE)
    ask(at, LEFT)
    at = open_as(AUDITOR, "threads")
    at.text_input(key="th_words").set_value("vacation left").run()
    (row,) = rows(at)
    assert row["Question"] == REMOTE
    assert "vacation days" in row["Hit"]
    assert "counted" not in said(at)
    assert "Failed" in pills(at, "th_outcome")


def test_what_was_chosen_is_there_again_on_the_way_back_and_a_link_of_its_own_wins(open_as):
    thread = ask(open_as(EMPLOYEE), LEFT).query_params["thread"]
    at = choose(open_as(AUDITOR, "threads"), "th_outcome", "unsourced")
    at.text_input(key="th_words").set_value("vacation").run()
    at.query_params["tr_id"] = thread
    at.switch_page("../pages/thread.py").run()
    assert not at.exception
    at.query_params.clear()  # as a browser does on another page
    at.switch_page("../pages/threads.py").run()
    assert at.session_state["th_outcome"] == ["unsourced"]
    assert at.text_input(key="th_words").value == "vacation"
    assert url(at) == {"th_outcome": ["unsourced"]}
    at.switch_page("../pages/tool_calls.py").run()
    at.query_params.clear()
    at.query_params["th_rating"] = "down"
    at.switch_page("../pages/threads.py").run()
    assert at.session_state["th_outcome"] == []
    assert at.session_state["th_rating"] == ["down"]
    assert at.text_input(key="th_words").value == ""


def test_a_reset_chooses_as_at_first(open_as):
    at = choose(open_as(AUDITOR, "threads", th_time="30d"), "th_outcome", "failed")
    at.text_input(key="th_words").set_value("zebra").run()
    at.button(key="th_reset").click().run()
    assert not at.exception
    assert (at.text_input(key="th_words").value, at.session_state["th_outcome"]) == ("", [])
    assert at.selectbox(key="th_time").value == "7d"
    assert url(at) == {}


def test_an_empty_list_says_whether_there_is_nothing_or_nothing_in_this_time(open_as):
    assert "No questions have been asked yet" in said(open_as(AUDITOR, "threads", th_time="all"))
    assert "No threads in this time" in said(open_as(AUDITOR, "threads"))
    assert "No tool has been called yet" in said(open_as(AUDITOR, "tool_calls", tc_time="all"))
    assert "No tool calls in this time" in said(open_as(AUDITOR, "tool_calls"))


def test_many_threads_are_in_pages(open_as):
    open_as(EMPLOYEE)
    for _ in range(51):
        app().run(app().desk.create_thread(EMPLOYEE))
    at = open_as(AUDITOR, "threads")
    assert len(rows(at)) == 50
    at.button(key="th_pages_next").click().run()
    assert (len(rows(at)), "Page 2" in said(at)) == (1, True)
    at.text_input(key="th_person").set_value("e-1042").run()
    assert "Page 1" in said(at)


def test_a_sealed_thread_is_an_id_and_a_time_to_an_auditor_and_a_row_to_a_handler(open_as):
    thread = ask(open_as(EMPLOYEE), IN_NEED).query_params["thread"]
    at = open_as(AUDITOR, "threads")
    (row,) = rows(at)
    assert {name: cell for name, cell in row.items() if name != "When" and len(cell)} == {
        "Question": f"Sealed · {thread}"
    }
    assert "**0 threads**" in said(at)
    choose(at, "th_outcome", *["sourced", "unsourced", "not_found", "failed", "stopped", "running", "waiting"])
    assert rows(at) == []
    (row,) = rows(open_as(HANDLER, "threads"))
    assert (row["Question"], "EMP-" in row["Person"], bool(row["Topic"])) == (IN_NEED, True, True)


def test_metadata_is_a_filter_if_the_operator_has_named_the_field(open_as, monkeypatch):
    monkeypatch.setenv("ROLLTOP_METADATA_FILTERS", "site, floor")
    open_as(EMPLOYEE)
    app().run(app().desk.create_thread(EMPLOYEE, title="In Graz", metadata={"site": "Graz", "floor": 3}))
    app().run(app().desk.create_thread(EMPLOYEE, title="In York", metadata={"site": "York", "floor": 3}))
    at = open_as(AUDITOR, "threads")
    at.text_input(key="th_metadata_site").set_value("Graz").run()
    assert [row["Question"] for row in rows(at)] == ["In Graz"]
    at.text_input(key="th_metadata_floor").set_value("3").run()
    assert [row["Question"] for row in rows(at)] == ["In Graz"]
    at.text_input(key="th_metadata_floor").set_value("4").run()
    assert rows(at) == []
    assert url(at) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Graz", "Graz"),
        ("3", 3),
        ('"3"', "3"),
        ("true", True),
        ("2030-03-04", "2030-03-04"),
        ("[1]", "[1]"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
    ],
)
def test_a_value_is_a_number_or_a_bool_if_it_looks_like_one_and_a_text_in_quotes(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_a_cell_begins_shortly_before_the_word_that_was_found():
    text = "word " * 40 + "dragon here"
    shown = _beginning(snippet(text, "dragon"))
    assert shown.index("dragon") < 30
    assert _beginning(snippet("dragon here", "dragon")) == "dragon here"
    assert _beginning(snippet("x" * 100 + " dragon", "dragon")).endswith("dragon")


def test_a_call_says_who_asked_about_whom_and_who_must_approve(open_as):
    ask(open_as(EMPLOYEE), LEFT)
    ask(open_as(COLLEAGUE), LETTER)
    at = open_as(AUDITOR, "tool_calls")
    letter, balance = rows(at)
    assert (letter["call"], list(letter["Status"])) == ("Salary letter", ["Passed to an approver"])
    assert (letter["Approval"], letter["Effect"], letter["Took"]) == ("Waits for an approver", "At most once", "")
    assert (balance["About"], balance["Approval"], balance["Attempts"]) == ("Self", "", 1)
    assert balance["Asker"].startswith("EMP-")
    assert "1042" not in str(rows(at))


def test_one_choice_means_every_way_in_which_a_call_fails(open_as):
    at = ask(open_as(EMPLOYEE), LEFT)
    for _ in range(2):  # the second time the days are taken
        next(button for button in ask(at, LEAVE).button if button.label == "Approve").click().run()
    at = open_as(AUDITOR, "tool_calls")
    assert {"Failed · 1", "Succeeded · 2"} <= {*pills(at, "tc_status")}
    choose(at, "tc_status", "failed")
    (row,) = rows(at)
    assert (row["call"], list(row["Status"]), row["Approval"]) == ("Leave request", ["Failed"], "Approved by the asker")
    assert url(at) == {"tc_status": ["failed"]}
    figures = {row["Tool"]: row for row in rows(at, 0)}
    assert figures["Leave request"]["errors"] == "1"
    assert figures["Leave request"]["last"]


def test_each_tool_has_its_figures(open_as):
    at = open_as(EMPLOYEE)
    ask(at, LEFT)
    ask(at, LEAVE)
    figures = {row["Tool"]: row for row in rows(open_as(AUDITOR, "tool_calls"), 0)}
    assert {name: figures["Leave request"][name] for name in ("calls", "waiting", "errors", "p50")} == {
        "calls": "1",
        "waiting": "1",
        "errors": "0",
        "p50": "",
    }
    assert (figures["Vacation balance"]["Succeeded"], figures["Vacation balance"]["last"]) == (1, "")
    assert figures["Vacation balance"]["p95"].endswith("s")


def test_calls_of_one_tool_are_filtered_by_the_arguments_that_it_declares(open_as):
    ask(open_as(EMPLOYEE), LEAVE)
    at = open_as(AUDITOR, "tool_calls")
    assert "Choose a single tool" in said(at)
    choose(at, "tc_tool", "request_leave")
    at.text_input(key="tc_request_leave_start").set_value("2030-03-04").run()
    assert [row["call"] for row in rows(at)] == ["Leave request"]
    at.text_input(key="tc_request_leave_start").set_value("2030-03-09").run()
    assert "No tool calls match" in said(at)
    assert url(at) == {"tc_tool": ["request_leave"]}


def test_calls_about_the_askers_themselves_are_not_among_those_about_somebody_else(open_as):
    ask(open_as(EMPLOYEE), LEFT)
    at = choose(open_as(AUDITOR, "tool_calls"), "tc_only", "other")
    assert "No tool calls match" in said(at)
    assert "Only: About somebody else" in said(at)
