"""What an auditor reads on the pages of a thread and of a call, and what other roles get there."""

import re
from dataclasses import dataclass

import anyio
import apsw
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from backends import open_store
from backends.models.scripted.model import Call, Fail, Say, ScriptedModel
from console.app import app, close
from console.drawing.arguments import changes
from console.drawing.permalinks import permalink
from console.drawing.timeline import judgement_words
from core import Desk, Judgement, OutcomeUnknown, Viewer, tool
from tests.console.test_pages import (
    APPROVER,
    AUDITOR,
    COLLEAGUE,
    EMPLOYEE,
    MAIN,
    all_opened,
    facts,
    labels,
    opened,
    texts,
)
from tests.retrieval.test_searching import Library
from tests.support.desks import PATIENCE, QUICK, ended, waiting
from tests.support.signing_in import sign_in

CLOCK = re.compile(r"\d\d:\d\d:\d\d\.\d{3} ")
LINES = ("tl_", "technical_")
HANDLER = Viewer("e-5001", {"employee", "handler"}, purpose="on duty", country="austria")


@tool(effect="unsafe")
def book(days: int) -> dict[str, int]:
    """Book days of leave."""
    return {"days": days}


@tool(effect="idempotent")
def send(to: str) -> None:
    """Send a letter."""
    raise OutcomeUnknown("the line went dead")


@dataclass(frozen=True)
class Seeded:
    path: str
    thread: str
    turns: list[str]
    booked: str
    denied: str
    unknown: str


async def seed(path):
    """Twelve turns: eight plain ones, one searched and retried, one booked with changes, one denied, one unknown."""
    failed = iter([True, True])

    def script(request):
        if request.messages[-1].role == "tool":
            return [Say("Done.")]
        text = request.messages[-1].text
        if "Book" in text:
            return [Call("book", {"days": 3})]
        if "Send" in text:
            return [Call("send", {"to": "Bank Graz"})]
        if "vacation" in text and next(failed, False):
            return [Fail("overloaded", "busy", retryable=True)]
        return [Say("25 days [1]." if "vacation" in text else "Yes.")]

    judgement = Judgement(confidence=0.7, threshold=0.5, sure=0.8, calibration="c")
    async with open_store(f"sqlite:///{path}") as store:
        plain = Desk(store, ScriptedModel(script), tools=[book, send], options=QUICK, instructions="Be kind.")
        library = Library(judgement=judgement)
        searching = Desk(store, ScriptedModel(script), retriever=library, options=QUICK, instructions="Be exact.")
        async with plain, searching:
            thread = (await plain.create_thread(EMPLOYEE)).id
            turns = []
            for number in range(8):
                turns.append(await ended(plain, await plain.submit(EMPLOYEE, thread, f"Question {number}"), EMPLOYEE))
            turns.append(
                await ended(searching, await searching.submit(EMPLOYEE, thread, "How much vacation?"), EMPLOYEE)
            )
            await plain.give_feedback(EMPLOYEE, turns[-1].id, "down", "Is that all?", dislike="no_answer")
            decided = []
            for question, decision, changed in (("Book", "approve", {"days": 2}), ("Book", "deny", None)):
                turns.append(await plain.submit(EMPLOYEE, thread, question))
                [call] = await waiting(plain, turns[-1], EMPLOYEE)
                await plain.decide(EMPLOYEE, call.id, decision, call.digest, arguments=changed)
                await ended(plain, turns[-1], EMPLOYEE)
                decided.append(call.id)
            turns.append(await plain.submit(EMPLOYEE, thread, "Send"))
            last = await ended(plain, turns[-1], EMPLOYEE)
            unknown = (await plain.archive.turn_view(EMPLOYEE, last.id)).calls[0].id
    return Seeded(str(path), thread, [turn.id for turn in turns], *decided, unknown)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return anyio.run(seed, tmp_path_factory.mktemp("reading") / "desk.db")


@pytest.fixture
def seeded(original, tmp_path):
    path = tmp_path / "desk.db"
    source, target = apsw.Connection(original.path), apsw.Connection(str(path))
    with source, target, target.backup("main", source, "main") as copying:
        copying.step()
    source.close()
    target.close()
    return Seeded(str(path), original.thread, original.turns, original.booked, original.denied, original.unknown)


@pytest.fixture
def open_as(seeded, monkeypatch):
    """Opens a new session of the console over that store, a company's without handbooks."""
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{seeded.path}")
    monkeypatch.setenv("ROLLTOP_HANDBOOKS", "")
    monkeypatch.setenv("ROLLTOP_MODEL", "offline:?delay=0")
    config.set_option("server.address", "127.0.0.1")

    def open(viewer, page="chat", **query):
        at = AppTest.from_file(MAIN, default_timeout=PATIENCE)
        sign_in(at, viewer)
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        at = (at.switch_page(f"../pages/{page}.py") if page != "chat" else at).run()
        assert not at.exception
        return at

    yield open
    close()


def titles(at):
    return [box.label for box in at.expander]


def questions(at):
    """The questions of the turns on the page."""
    return [element.value for element in at.get("text") if element.value.startswith("Question")]


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def looks(viewer=AUDITOR):
    async def read():
        return [entry.shell["object"] for entry in await app().desk._store.read(f"audit:{viewer.id}")]

    return app().run(read())


def test_a_link_to_a_turn_opens_its_page_and_the_buttons_go_both_ways(open_as, seeded):
    at = open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=seeded.turns[1])
    assert questions(at)[0] == "Question 1"
    press(at, "Later")
    assert at.query_params["tr_turn"] == seeded.turns[11]
    assert questions(at)[0] == "Question 2"  # the last page is filled up with older turns
    press(at, "Earlier")
    assert "tr_turn" not in at.query_params
    assert questions(at) == ["Question 0", "Question 1"]
    assert at.button(key="tr_earlier").disabled
    press(at, "Newest")
    assert questions(at)[0] == "Question 2"
    assert at.button(key="tr_later").disabled


def test_the_head_counts_how_turns_ended(open_as, seeded):
    said = texts(open_as(AUDITOR, "thread", tr_id=seeded.thread))
    assert "1 · Answered with a source" in said
    assert "11 · Answered without a handbook" in said


def test_a_timeline_is_drawn_only_when_it_is_opened_and_opening_it_is_no_further_look(open_as, seeded):
    turn = seeded.turns[8]
    at = open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=turn)
    assert looks() == [f"thread:{seeded.thread}"]
    assert not [title for title in titles(at) if "Search" in title]
    opened(at, f"tr_timeline_{turn}")
    steps = [title.split(" ", 1)[1] for title in titles(all_opened(at, *LINES)) if CLOCK.match(title)]
    search, *attempts = steps
    assert "Timeline · 4 steps" in titles(at)
    assert search.startswith("Search · :material/help: not sure · 2 passages")
    assert [step.partition(" ·")[0] for step in attempts] == [f"Model, step 1, attempt {n}" for n in (1, 2, 3)]
    assert ":material/error: failed · overloaded ·" in attempts[0]
    assert ":material/check: answered ·" in attempts[2]
    passages = [title for title in titles(at) if "score" in title]
    assert [title.split(" ")[0] for title in passages] == ["1", "2"]
    assert all("version 1 · score 1" in passage for passage in passages)
    assert [caption.value for caption in at.caption if "cited" in caption.value.lower()] == [
        "Cited in the answer",
        "Found, and not cited",
    ]
    assert "Is that all?" in texts(at)
    assert any("Feedback: thumbs down · it does not answer the question" in title for title in titles(at))
    assert {"Confidence", "Threshold", "Judgement", "First content after"} <= set(facts(at))


def test_times_are_to_the_millisecond_and_name_their_zone(open_as, seeded):
    at = open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=seeded.turns[8])
    opened(at, f"tr_timeline_{seeded.turns[8]}")
    assert re.search(r"In the order of the log, from \d+ \w+ \d{4}, \d\d:\d\d:\d\d\.\d{3} UTC", texts(at))


def test_a_step_that_was_denied_or_is_unknown_has_no_check_mark(open_as, seeded):
    for turn, word in ((seeded.turns[10], "Denied"), (seeded.turns[11], "Outcome unknown")):
        at = open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=turn)
        all_opened(opened(at, f"tr_timeline_{turn}"), *LINES)
        [step] = [title for title in titles(at) if word in title]
        assert ":material/check:" not in step
    chat = open_as(EMPLOYEE, thread=seeded.thread)
    assert {box.label: box.icon for box in chat.expander if " · " in box.label} == {
        "Book · Approved with changes": ":material/check:",
        "Book · Denied": ":material/block:",
        "Send · Outcome unknown": ":material/help:",
    }


def test_what_an_answer_was_made_with_is_text_and_a_part_that_is_gone_is_said(open_as, seeded):
    turn = seeded.turns[9]
    at = opened(open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=turn), f"tr_made_{turn}")
    assert "Be kind." in texts(at)
    assert {"book", "send"} <= set(titles(at))
    archive = app().desk.archive
    name = app().run(archive.produced(AUDITOR, turn)).tools.digest
    app().run(app().desk._store.erase(f"blob:{name}"))
    at = opened(open_as(AUDITOR, "thread", tr_id=seeded.thread, tr_turn=turn), f"tr_made_{turn}")
    assert "It was erased, and a turn names it" in texts(at)
    assert "Be kind." in texts(at)


def test_a_call_shows_what_was_changed_before_it_ran_and_its_entries_in_the_log(open_as, seeded):
    at = open_as(AUDITOR, "call", tc_id=seeded.booked)
    assert looks() == [f"call:{seeded.booked}"]
    assert "Changed before it ran" in texts(at)
    tables = [table.value for table in at.get("table")]
    [changed] = [table for table in tables if "Ran" in table.columns]
    assert changed.values.tolist() == [["Days", "3", "2"]]
    [history] = [table for table in tables if "What" in table.columns]
    assert history["What"].tolist() == [
        "Planned by the model",
        "Approval asked",
        "Approved",
        "Started, attempt 1",
        "Finished: succeeded",
    ]
    assert history["By"].tolist()[2].startswith("EMP")
    assert {"Effect", "About", "Attempts", "Idempotency key"} <= set(facts(all_opened(at)))


def test_an_auditor_resolves_an_unknown_call_and_the_status_stays_beside_the_statement(open_as, seeded):
    at = open_as(AUDITOR, "call", tc_id=seeded.unknown)
    press(at, "Record the statement")
    assert "say how you know" in texts(at)
    at.radio(key="tc_outcome").set_value("happened")
    at.text_area(key="tc_evidence").set_value("The bank has the letter.")
    press(at, "Record the statement")
    for viewer, page, query in (
        (AUDITOR, "call", {"tc_id": seeded.unknown}),
        (AUDITOR, "thread", {"tr_id": seeded.thread, "tr_turn": seeded.turns[11]}),
    ):
        again = open_as(viewer, page, **query)
        all_opened(opened(again, f"tr_timeline_{seeded.turns[11]}"), *LINES)
        said = texts(again) + " ".join(titles(again))
        assert "**It happened**" in said
        assert "The bank has the letter." in said
        assert "e\\-2001" in said
        assert "Outcome unknown" in said
    call = app().run(app().desk.archive.call(AUDITOR, seeded.unknown))
    assert (call.status, call.resolution["happened"]) == ("unknown", True)


@pytest.mark.parametrize(("viewer", "page"), [(EMPLOYEE, "thread"), (EMPLOYEE, "call"), (APPROVER, "thread")])
def test_an_employee_does_not_get_these_pages_and_an_approver_only_the_one_of_a_call(open_as, seeded, viewer, page):
    with pytest.raises(ValueError, match="page"):
        open_as(viewer, page, tr_id=seeded.thread, tc_id=seeded.unknown)


@pytest.mark.parametrize(("viewer", "page"), [(HANDLER, "thread"), (HANDLER, "call"), (APPROVER, "call")])
def test_what_is_not_theirs_to_read_does_not_open(open_as, seeded, viewer, page):
    at = open_as(viewer, page, tr_id=seeded.thread, tc_id=seeded.unknown)
    assert "does not exist, or you may not open it" in texts(at)
    assert "Record the statement" not in labels(at)


def test_a_link_of_an_employees_opens_the_thread_page_for_an_auditor_with_one_look(open_as, seeded):
    at = open_as(AUDITOR, thread=seeded.thread)
    assert "Timeline" in " ".join(titles(at))
    assert "EMP\\-" in texts(at)
    assert looks() == [f"thread:{seeded.thread}"]
    assert "does not exist" in texts(open_as(COLLEAGUE, thread=seeded.thread))
    assert "does not exist" in texts(open_as(AUDITOR, thread="0" * 32))


def test_an_auditors_own_thread_stays_in_the_chat(open_as):
    at = open_as(AUDITOR)
    thread = app().run(app().desk.create_thread(AUDITOR)).id
    at = open_as(AUDITOR, thread=thread)
    assert at.chat_input
    assert looks() == []


@pytest.mark.parametrize(("viewer", "page"), [(AUDITOR, "thread"), (EMPLOYEE, "chat")], ids=["auditor", "employee"])
def test_a_record_that_cannot_be_read_is_named_and_the_rest_is_shown(open_as, seeded, viewer, page):
    with apsw.Connection(seeded.path) as db:
        where = "kind = 'tool_call' AND id = ?"
        db.execute(f"UPDATE record SET fields = json_set(fields, '$.status', 7) WHERE {where}", (seeded.booked,))
    at = open_as(viewer, page, tr_id=seeded.thread, thread=seeded.thread)
    assert "does not fit" in texts(at)
    assert "Question 7" in texts(at)


def test_a_call_that_cannot_be_read_is_told_with_what_the_operator_must_do(open_as, seeded):
    with apsw.Connection(seeded.path) as db:
        where = "kind = 'tool_call' AND id = ?"
        db.execute(f"UPDATE record SET fields = json_set(fields, '$.status', 7) WHERE {where}", (seeded.booked,))
    at = open_as(AUDITOR, "call", tc_id=seeded.booked)
    assert "rolltop doctor" in texts(at)


def test_an_entry_that_was_changed_is_named_on_the_pages_of_its_thread_and_call(open_as, seeded):
    with apsw.Connection(seeded.path) as db:
        stream = db.execute("SELECT num FROM stream WHERE name = ?", (f"thread:{seeded.thread}",)).get
        entry = "stream = ? AND kind = 'tool.finished'"
        n = db.execute(f"SELECT min(n) FROM entry WHERE {entry}", (stream,)).get
        db.execute("UPDATE entry SET by = 'x' WHERE stream = ? AND n = ?", (stream, n))
    for page in ("thread", "call"):
        at = open_as(AUDITOR, page, tr_id=seeded.thread, tr_turn=seeded.turns[9], tc_id=seeded.booked)
        assert f"Entry {n} of the log its shell was changed" in texts(at)
        assert "Done." in texts(at) or page == "call"


@pytest.mark.parametrize(
    ("planned", "ran", "said"),
    [
        ({"a": 1, "b": "x"}, {"a": 2, "b": "x"}, [("A", "1", "2")]),
        ({"a": 1}, {"b": 1}, [("A", "1", "not set"), ("B", "not set", "1")]),
        ({"a": False}, {}, [("A", "No", "not set")]),
        ({"a": [1]}, {"a": [1]}, []),
        ("raw", {"a": 1}, [("A", "not set", "1"), ("Arguments", "raw", "not set")]),
    ],
)
def test_changes_name_the_old_and_the_new_value(planned, ran, said):
    assert changes("pay", planned, ran) == said


@pytest.mark.parametrize(
    ("confidence", "sure", "word"), [(0.9, 0.8, "answers"), (0.7, 0.8, "not sure"), (0.4, 0.8, "does not answer")]
)
def test_a_judgement_is_told_in_words(confidence, sure, word):
    assert judgement_words(Judgement(confidence=confidence, threshold=0.5, sure=sure, calibration="c")).text == word


@pytest.mark.parametrize(
    ("here", "link"),
    [
        ("http://127.0.0.1:8501/thread", "http://127.0.0.1:8501/call?tc_id=a-t1"),
        ("https://hr.example/desk/thread", "https://hr.example/desk/call?tc_id=a-t1"),
    ],
)
def test_a_permalink_is_an_address_of_the_same_app(here, link):
    assert permalink(here, "call", {"tc_id": "a-t1"}) == link
