"""The pages, for each role, without a browser: what is offered, what is drawn, what is refused."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

import console.app
from backends.handbooks.documents.model import Terms
from console.app import app, close
from console.cli.main import main
from console.demo.records import HrRecords
from console.people import PEOPLE
from console.settings import read_settings
from console.sign_in.development import choose, refuse_other_addresses
from console.sign_in.roles import viewer_of
from core.desk.filters import ThreadFilter
from core.errors import Corrupt, Denied, DeskClosed, Full, InvalidInput, StoreBusy, StoreRefused, Unavailable
from core.gate import Viewer
from core.values import Audience
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT
from tests.support.signing_in import sign_in

MAIN = str(ROOT / "console" / "main.py")
EMPLOYEE = Viewer("e-1042", country="austria", entity="larkfield austria")
COLLEAGUE = Viewer("e-1077", country="austria")
AUDITOR = Viewer("e-2001", {"employee", "auditor"}, purpose="quality sample", country="austria")
APPROVER = Viewer("e-3001", {"employee", "approver"}, country="austria")
HANDLER = Viewer("e-5001", {"employee", "handler"}, purpose="on duty", country="austria")
OFFICER = Viewer("e-6001", {"employee", "data_protection_officer"}, purpose="yearly check", country="austria")
KEEPER = Viewer("e-4001", {"employee", "knowledge_owner"}, country="austria")
LEAVE = "Request annual leave from 2030-03-04 to 2030-03-05"
LETTER = 'Please issue a salary letter to "Bank Graz"'

TECHNICAL = {
    "thread": {
        *("Search", "Entry of the log", "Calibration"),
        *("Request", "Call", "Fence", "Oldest entry sent", "Turn", "Entries of the log"),
        *("Instructions", "Tools", "Options", "Handbooks"),
    },
    "call": {
        *("Call", "Idempotency key", "Model call", "Fence", "Digest of the arguments", "Digest of the result"),
        *("Entry 6", "Entry 7", "Entry 8"),
    },
}

Open = Callable[..., AppTest]


@pytest.fixture
def open_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_catalogue: Path) -> Iterator[Open]:
    """Opens a new session of the console, as a reload does, over one demo store."""
    shutil.copy(sample_catalogue, tmp_path / "desk.db-handbooks")
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk.db")
    assert main(["demo"]) == 0
    monkeypatch.setenv("ROLLTOP_MODEL", "offline:?delay=0")
    config.set_option("server.address", "127.0.0.1")

    def open(viewer: Viewer | None, page: str = "chat", **query: str) -> AppTest:
        at = AppTest.from_file(MAIN, default_timeout=PATIENCE)
        sign_in(at, viewer)
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        return (at.switch_page(f"../pages/{page}.py") if page != "chat" else at).run()

    yield open
    close()


def ask(at: AppTest, question: str) -> AppTest:
    at.chat_input[0].set_value(question).run()
    assert not at.exception
    return at


def texts(at: AppTest) -> str:
    """All that the page says, in one string."""
    kinds = ("title", "markdown", "text", "caption", "error", "warning", "info")
    return "\n".join(element.value for kind in kinds for element in at.get(kind))


def facts(part: AppTest | Block) -> list[str]:
    """The names in this part's tables of facts."""
    return [str(name) for table in part.get("table") for name in table.value.index]


def opened(at: AppTest, *keys: str) -> AppTest:
    """The page with these parts opened, which are drawn only then."""
    for key in keys:
        at.session_state[key] = True
    return at.run()


def all_opened(at: AppTest, *beginnings: str) -> AppTest:
    """The page with all its parts opened whose keys begin so, those within other parts too."""
    known: set[str] = set()
    while new := {key for key in map(key_of, at.expander) if key.startswith(beginnings or "")} - known:
        known |= new
        opened(at, *known)
    return at


def key_of(part: Block) -> str:
    return part.proto.id.split("-", 2)[-1]


def is_technical(part: Block) -> bool:
    return part.label == "Technical details"


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def test_nobody_gets_the_sign_in_and_no_page(open_as):
    at = open_as(None)
    assert "Demo:** choose any sample person. All data is fictional." in texts(at)
    assert "Sign in" in labels(at)
    assert not at.chat_input


def test_the_sign_in_makes_a_viewer_and_the_way_out_forgets_it(open_as):
    at = open_as(None)
    at.radio(key="si_person").set_value(PEOPLE[0]).run()
    next(button for button in at.button if button.label == "Sign in").click().run()
    assert viewer_of(at.session_state["si_identity"]) == EMPLOYEE
    assert at.chat_input
    at.button(key="si_out").click().run()
    assert not at.chat_input


def test_an_auditor_says_why():
    with pytest.raises(InvalidInput, match="purpose"):
        choose("e-2001", "auditor", "  ")
    assert choose("e-2001", "auditor", " complaint ").purpose == "complaint"


@pytest.mark.parametrize(("person", "role"), [("e-1042", "auditor"), ("e-9999", "employee")])
def test_nobody_signs_in_with_a_role_they_do_not_have(person, role):
    with pytest.raises(InvalidInput):
        choose(person, role, "purpose")


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.7", "::"])
def test_the_development_sign_in_refuses_other_addresses(open_as, address):
    config.set_option("server.address", address)
    with pytest.raises(InvalidInput, match="does not start on"):
        refuse_other_addresses()
    at = AppTest.from_file(MAIN).run()
    assert at.exception
    assert not at.button


@pytest.mark.parametrize(
    ("viewer", "pages"),
    [
        (EMPLOYEE, {"chat", "my_data"}),
        (AUDITOR, {"chat", "my_data", "overview", "threads", "thread", "tool_calls", "call", "audit_log"}),
        (HANDLER, {"chat", "my_data", "threads", "thread", "call", "audit_log"}),
        (APPROVER, {"chat", "my_data", "approvals", "call", "audit_log"}),
        (OFFICER, {"chat", "my_data", "overview", "audit_log"}),
        (KEEPER, {"chat", "my_data", "handbooks", "handbook"}),
    ],
)
def test_each_role_has_its_pages_and_no_other(open_as, viewer, pages):
    every = (
        "chat",
        "my_data",
        "overview",
        "threads",
        "thread",
        "tool_calls",
        "call",
        "approvals",
        "audit_log",
        "handbooks",
        "handbook",
    )
    for page in every:
        if page in pages:
            assert not open_as(viewer, page).exception
        else:
            with pytest.raises(ValueError, match="page"):
                open_as(viewer, page)


def test_a_question_about_ones_own_record_shows_the_tool_step_and_its_result(open_as):
    at = ask(open_as(EMPLOYEE), "How many vacation days do I have left?")
    assert "Vacation balance" in [box.label for box in at.expander]
    assert "Days left: 13" in texts(all_opened(at))


def test_a_question_about_policy_shows_its_source(open_as):
    at = ask(open_as(EMPLOYEE), "What is our policy on remote work?")
    assert "three days a week" in texts(at)
    chip = next(button for button in at.button if button.label == "1 · The policy in brief")
    chip.click().run()
    assert "in force since 2026\\-07\\-01" in texts(at)
    assert ":orange-background[" in texts(at)


def test_an_example_is_one_click_away(open_as):
    at = open_as(EMPLOYEE)
    at.button(key="chat_topic_Vacation").click().run()
    thread = at.query_params["thread"]
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).turns == 1


def test_a_reload_shows_the_same_thread(open_as):
    at = ask(open_as(EMPLOYEE), "How many vacation days do I have left?")
    again = open_as(EMPLOYEE, thread=at.query_params["thread"])
    assert "Days left: 13" in texts(again)


def test_a_foreign_thread_reads_like_a_missing_one(open_as):
    foreign = ask(open_as(EMPLOYEE), "How many vacation days do I have left?").query_params["thread"]
    at, missing = open_as(COLLEAGUE, thread=foreign), open_as(COLLEAGUE, thread="0" * 32)
    assert "does not exist, or you may not open it" in texts(at)
    assert texts(at) == texts(missing)
    assert "Days left" not in texts(at)


def test_a_question_to_a_foreign_thread_is_refused_and_kept(open_as):
    foreign = ask(open_as(EMPLOYEE), "How many vacation days do I have left?").query_params["thread"]
    at = ask(open_as(COLLEAGUE, thread=foreign), "And I?")
    assert "not found" in texts(at)
    assert at.chat_input[0].proto.value == "And I?"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unavailable("x"), "does not answer"),
        (StoreRefused("x"), "server log says what to do"),
        (Full("x"), "is full"),
        (DeskClosed(), "is stopping"),
    ],
)
def test_what_the_store_did_not_take_stays_in_the_box(open_as, monkeypatch, error, why):
    at = open_as(EMPLOYEE)

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app().desk, "submit", fail)
    ask(at, "Will this be lost?")
    assert "Not saved" in texts(at)
    assert why in texts(at)
    assert at.chat_input[0].proto.value == "Will this be lost?"


@pytest.mark.parametrize(
    ("error", "said", "unsaid"),
    [
        (Unavailable("desk: 127.0.0.1:27017 refused"), "The store does not answer", "127.0.0.1"),
        (StoreBusy("its lock is held by process 7"), "The store is busy", "does not answer"),
        (StoreRefused("grant the role"), "The operator of this desk must fix this", "does not answer"),
        (InvalidInput("name the database"), "The operator of this desk must fix this", "does not answer"),
    ],
)
def test_a_desk_that_cannot_be_opened_is_told_on_every_page(open_as, monkeypatch, error, said, unsaid):
    @asynccontextmanager
    async def fail(url: str) -> AsyncIterator[None]:
        raise error
        yield

    monkeypatch.setattr(console.app, "open_store", fail)
    at = open_as(EMPLOYEE)
    assert not at.exception
    assert said in texts(at)
    assert unsaid not in texts(at)
    assert type(error) is Unavailable or str(error) in texts(at)
    assert not at.chat_input


def test_the_sign_in_needs_no_desk(open_as, monkeypatch):
    @asynccontextmanager
    async def fail(url: str) -> AsyncIterator[None]:
        raise Unavailable("away")
        yield

    monkeypatch.setattr(console.app, "open_store", fail)
    at = open_as(None)
    assert not at.exception
    assert "Sign in" in labels(at)


def test_a_store_that_refuses_is_told_with_what_its_operator_must_do(open_as, monkeypatch):
    at = open_as(EMPLOYEE)

    async def refuse(*_: object, **__: object) -> None:
        raise StoreRefused("desk: grant the role readWrite")

    monkeypatch.setattr(app().desk.archive, "threads", refuse)
    at.run()
    assert not at.exception
    assert "The operator of this desk must fix this" in texts(at)
    assert "grant the role readWrite" in texts(at)
    assert "Try again" in labels(at)


@pytest.mark.parametrize("error", [Corrupt("catalogue", 7, "wrong hash"), Denied("handbooks.keep")])
def test_a_click_that_core_refuses_is_told_above_its_page(open_as, monkeypatch, error):
    open_as(KEEPER)
    document = app().run(app().handbooks.documents(KEEPER))[0]
    at = open_as(KEEPER, "handbook", hb_id=document.id)

    async def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(app().handbooks, "remove", refuse)
    at.button(key="hb_remove").click().run()
    assert not at.exception
    assert "This could not be done" in texts(at)
    assert at.title[0].value == document.title


def test_an_approval_card_survives_a_reload_and_books_what_it_says(open_as):
    at = ask(open_as(EMPLOYEE), LEAVE)
    at = open_as(EMPLOYEE, thread=at.query_params["thread"])
    assert "Book annual leave from Monday 4 March 2030 to Tuesday 5 March 2030" in texts(at)
    next(button for button in at.button if button.label == "Approve").click().run()
    assert "Approve" not in labels(at)
    assert "Working days: 2" in texts(at)


def test_a_denied_call_is_shown_as_denied_and_has_no_effect(open_as):
    at = ask(open_as(EMPLOYEE), LEAVE)
    next(button for button in at.button if button.label == "Deny").click().run()
    assert ("Leave request · Denied", ":material/block:") in [(box.label, box.icon) for box in at.expander]
    assert "Working days" not in texts(at)


def test_an_approver_decides_for_others_and_the_asker_sees_it(open_as):
    at = ask(open_as(EMPLOYEE), LETTER)
    assert "Waits for an approver until" in texts(at)
    assert "Approve" not in labels(at)
    approvals = open_as(APPROVER, "approvals")
    assert "Bank Graz" in texts(approvals)
    next(button for button in approvals.button if button.label == "Approve").click().run()
    assert "Approved" in texts(approvals)
    assert "No requests are waiting" in texts(approvals)
    thread = at.query_params["thread"]
    assert "SL-00001" in texts(open_as(EMPLOYEE, thread=thread))


def test_an_approver_is_not_offered_their_own_request(open_as):
    at = ask(open_as(APPROVER), LETTER)
    assert "Approve" not in labels(at)
    assert "No requests are waiting" in texts(open_as(APPROVER, "approvals"))


def test_an_auditor_reads_the_evidence_of_an_answer(open_as):
    asked = ask(open_as(EMPLOYEE), "How many vacation days do I have left?").query_params["thread"]
    at = open_as(AUDITOR, "thread", tr_id=asked)
    assert not at.exception
    assert "How many vacation days do I have left?" in texts(at)
    assert "Timeline · 4 steps" in [box.label for box in at.expander]


def test_an_auditor_reads_a_tool_call(open_as):
    ask(open_as(EMPLOYEE), "How many vacation days do I have left?")
    call = app().run(app().desk.oversight.search_calls(AUDITOR)).items[0]
    at = open_as(AUDITOR, "call", tc_id=call.id)
    assert at.title[0].value == "Vacation balance"


def audit_rows(at: AppTest) -> list[tuple[str, str]]:
    """Who and what of each entry that the audit log shows."""
    assert not at.exception
    return [(row["Who"], row["What"]) for table in at.dataframe for _, row in table.value.iterrows()]


def test_the_audit_log_tells_a_data_protection_officer_what_everybody_did(open_as):
    asked = ask(open_as(EMPLOYEE), "How many vacation days do I have left?").query_params["thread"]
    open_as(COLLEAGUE, thread=asked)
    open_as(AUDITOR, "threads").text_input(key="th_words").set_value("vacation").run()
    open_as(AUDITOR, "thread", tr_id=asked)
    at = open_as(OFFICER, "audit_log")
    rows = audit_rows(at)
    assert rows[0][0] == "e-6001"
    assert rows[0][1].startswith("Listed the audit log: from ")
    assert ("e-1077", f"Denied: open thread {asked[:8]}") in rows
    assert ("e-2001", f"Opened thread {asked[:8]}") in rows
    assert any(by == "e-2001" and what.startswith("Searched threads:") and "“vacation”" in what for by, what in rows)
    table = at.dataframe[0].value
    assert {*table["Purpose"]} == {"yearly check", "quality sample", "-"}
    assert {who[:4] for who in table["About whom"]} == {"EMP-", "-"}
    assert "e-1042" not in table.to_string()
    assert "recorded with your purpose: yearly check" in texts(at)


def test_the_audit_log_is_filtered_by_person_kind_and_denials(open_as):
    open_as(COLLEAGUE, thread="0" * 32)
    open_as(AUDITOR, "threads")
    open_as(AUDITOR, "tool_calls")
    at = open_as(OFFICER, "audit_log")
    at.text_input(key="al_by").set_value("e-2001").run()
    assert {who for who, _ in audit_rows(at)} == {"e-2001"}
    assert "al_by" not in at.query_params
    at.text_input(key="al_by").set_value("").run()
    at.toggle(key="al_denied").set_value(True).run()
    assert audit_rows(at) == [("e-1077", "Denied: open thread 00000000")]
    at.toggle(key="al_denied").set_value(False).run()
    at.button_group(key="al_kind").set_value(["exported"]).run()
    assert audit_rows(at) == []
    assert "No entries match" in texts(at)


@pytest.mark.parametrize("viewer", [AUDITOR, APPROVER, HANDLER])
def test_other_roles_see_their_own_entries_and_are_told_so(open_as, viewer):
    open_as(COLLEAGUE, thread="0" * 32)
    open_as(AUDITOR, "tool_calls")
    open_as(APPROVER, "approvals")
    open_as(HANDLER, "threads")
    at = open_as(viewer, "audit_log")
    assert {who for who, _ in audit_rows(at)} == {viewer.id}
    assert "your own entries" in texts(at)
    assert not [box for box in at.text_input if box.key == "al_by"]


def test_the_audit_log_has_pages(open_as):
    open_as(EMPLOYEE)
    for number in range(60):
        app().run(app().desk.oversight.search_threads(AUDITOR, ThreadFilter(words=f"word{number}")))
    at = open_as(AUDITOR, "audit_log")
    assert len(audit_rows(at)) == 50
    assert "word59" in audit_rows(at)[0][1]
    at.button(key="al_pages_next").click().run()
    assert [what.split("“")[1] for _, what in audit_rows(at)] == [f"word{number}”" for number in range(9, -1, -1)]


@pytest.mark.parametrize("page", ["thread", "call"])
def test_ids_digests_and_fences_are_technical_details(open_as, page):
    asked = ask(open_as(EMPLOYEE), "How many vacation days do I have left?").query_params["thread"]
    call = app().run(app().desk.oversight.search_calls(AUDITOR)).items[0]
    at = open_as(AUDITOR, page, tr_id=asked, tc_id=call.id)
    all_opened(at)
    everything, technical = facts(at), [name for box in at.expander if is_technical(box) for name in facts(box)]
    assert set(technical) == TECHNICAL[page]
    assert len(technical) == len([name for name in everything if name in TECHNICAL[page]])


def test_a_keeper_sees_every_handbook_and_which_are_past_their_review(open_as):
    at = open_as(KEEPER, "handbooks")
    assert "30 documents" in texts(at)
    at.text_input(key="hb_words").set_value("remote-work-2024").run()
    assert "Superseded" in texts(at)
    assert "2024\\-01\\-01 to 2026\\-06\\-30" in texts(at)
    at.text_input(key="hb_words").set_value("").run()
    at.selectbox(key="hb_status").set_value("removed").run()
    assert "0 documents" in texts(at)


def test_a_keeper_changes_for_whom_a_handbook_holds_and_it_is_on_record(open_as):
    at = opened(open_as(KEEPER, "handbook", hb_id="it/data-protection"), "hb_edit", "hb_changes")
    assert "for everybody" in texts(at)
    at.multiselect[0].set_value(["uk"])
    next(button for button in at.button if button.label == "Save").click().run()
    assert not at.exception
    assert "for UK" in texts(at)
    assert "e\\-4001" in texts(at)
    run, handbooks = app().run, app().handbooks
    trial = run(handbooks.try_question(KEEPER, "May I photograph a customer?", country="austria", entity=None))
    assert "it/data-protection" not in [passage.document for passage in trial.passages]
    run(handbooks.change(KEEPER, "it/data-protection", Terms(audience=Audience())))


def test_a_handbook_that_would_end_before_it_begins_is_not_saved(open_as):
    at = opened(open_as(KEEPER, "handbook", hb_id="it/data-protection"), "hb_edit", "hb_changes")
    at.date_input[1].set_value(date(2020, 1, 1))
    next(button for button in at.button if button.label == "Save").click().run()
    assert "would end" in texts(at)
    assert "is on record" not in texts(at)


def test_a_handbook_that_does_not_exist_is_not_found(open_as):
    assert "does not exist, or you may not open it" in texts(open_as(KEEPER, "handbook", hb_id="working/none"))


@pytest.mark.parametrize("person", ["../e-1042", '{"$gt": ""}', "e-1042\u0000", "ü" * 64])
def test_a_person_that_is_no_id_finds_nothing_and_breaks_nothing(open_as, person):
    at = open_as(AUDITOR, "threads")
    at.text_input(key="th_person").set_value(person).run()
    assert not at.exception


@pytest.mark.parametrize("page", ["thread", "call"])
def test_a_review_page_without_an_id_says_not_found(open_as, page):
    at = open_as(AUDITOR, page)
    assert "does not exist, or you may not open it" in texts(at)


def test_no_full_garbage_collection_follows_each_run_of_a_page():
    # AppTest leaves out the end of a run, so this asks Streamlit what it will do there. A process of its own, because
    # Streamlit keeps the settings of the folder in which a process first read them.
    program = "from streamlit import config; option = 'runner.postScriptGC'; config.get_config_options()"
    program += "; print(config.get_option(option), config.get_where_defined(option))"
    command = [sys.executable, "-c", program]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert asked.stdout.split() == ["False", str(ROOT / ".streamlit" / "config.toml")]


def test_a_started_server_seldom_looks_for_garbage_and_not_among_what_it_has_loaded():
    program = """
import asyncio, gc
from console.streamlit_app import app, lifespan
async def main():
    async with lifespan(app):
        print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0])
asyncio.run(main())
"""
    environment = {**os.environ, "ROLLTOP_STORE": "memory:", "ROLLTOP_HANDBOOKS": "", "ROLLTOP_EMBEDDER": "none:"}
    command = [sys.executable, "-c", program]
    asked = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert asked.stdout.split() == ["True", "20000"]


def test_a_misspelt_setting_is_an_error_that_names_the_settings(monkeypatch):
    monkeypatch.setenv("ROLLTOP_STOER", "mongodb://me:secret@host")
    with pytest.raises(InvalidInput, match=r"ROLLTOP_STOER.*ROLLTOP_STORE") as caught:
        read_settings()
    assert "secret" not in str(caught.value)


def test_no_setting_shows_its_secret(monkeypatch):
    monkeypatch.setenv("ROLLTOP_STORE", "mongodb://me:secret@host")
    assert "secret" not in repr(read_settings())


def test_the_same_key_books_leave_once():
    records = HrRecords(":memory:", lambda: date(2026, 11, 24))
    asked = ("e-1042", "austria", "annual", date(2026, 12, 7), date(2026, 12, 8))
    first = records.book_leave("key", *asked)
    assert first == records.book_leave("key", *asked)
    assert first["working_days"] == 1  # 8 December is a holiday
    assert records.balance("e-1042", "austria")["days_left"] == 12
    with pytest.raises(ValueError, match="overlap"):
        records.book_leave("other", *asked)
    records.close()
