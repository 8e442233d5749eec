"""Which page each role may open: what the menu offers, what a page shows, and what it says to a client that forges."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from console.app import app, close
from console.cli.main import main
from console.menu import all_pages, roles_offered
from core.errors import Denied, InvalidInput, NotFound
from core.gate import Viewer
from tests.console.test_pages import texts
from tests.support.access import ROLE_WORDS, access_table
from tests.support.desks import PATIENCE
from tests.support.paths import ROOT
from tests.support.signing_in import sign_in

MAIN = ROOT / "console" / "main.py"
CANARY = "walrus"
"""A word in everything that the people of the tests have written."""
ASKER, IN_NEED = Viewer("e-1077", country="austria"), Viewer("e-1099", country="austria")
VIEWERS = {role: Viewer("e-9001", {role}, purpose="complaint 7", country="austria") for role in ROLE_WORDS}
NOBODY = Viewer("e-9001", roles=())


TITLES = {page.name: page.title for page in all_pages()}
ROLES = {page.name: roles_offered(page) for page in all_pages()}


def test_every_page_has_its_roles_and_the_table_of_the_docs_names_them():
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__"} == set(TITLES) == set(ROLES)
    assert access_table("page") == {TITLES[page]: {ROLE_WORDS[role] for role in roles} for page, roles in ROLES.items()}


@dataclass(frozen=True)
class Things:
    """Ids of what two people have: a thread, its parked call, a request that waits for an approver, a sealed thread."""

    thread: str
    call: str
    request: str
    sealed: str
    document: str


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory, sample_catalogue: Path) -> Iterator[Things]:
    """A demo's console with one store for all tests of this module."""
    folder = tmp_path_factory.mktemp("access")
    shutil.copy(sample_catalogue, folder / "desk.db-handbooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLTOP_STORE", f"sqlite:///{folder}/desk.db")
        patch.setenv("ROLLTOP_MODEL", "offline:?delay=0")
        config.set_option("server.address", "127.0.0.1")
        assert main(["demo"]) == 0
        try:
            yield app().run(make_things())
        finally:
            close()


async def make_things() -> Things:
    desk = app().desk

    async def asked(viewer: Viewer, question: str) -> tuple[str, list[str]]:
        thread = (await desk.create_thread(viewer)).id
        await desk.rename(viewer, thread, f"A {CANARY}")
        turn = await desk.submit(viewer, thread, question)
        async for event in desk.follow(viewer, turn.id):
            if event.kind in ("ended", "approval.asked"):
                break
        return thread, [call.id for call in await desk.archive.tool_calls(viewer, thread)]

    thread, (call,) = await asked(ASKER, "Request annual leave from 2030-03-04 to 2030-03-05")
    _, (request,) = await asked(ASKER, f'Please issue a salary letter to "{CANARY}"')
    sealed, _ = await asked(IN_NEED, f"I want to kill myself, {CANARY}")
    (document, *_) = await app().handbooks.documents(VIEWERS["knowledge_owner"])
    return Things(thread, call, request, sealed, document.id)


def opened(viewer: Viewer | None, page: str | None = None, **query: str) -> AppTest:
    """The console as this viewer opens it, at this page."""
    at = AppTest.from_file(str(MAIN), default_timeout=PATIENCE)
    sign_in(at, viewer)
    at.query_params.update(query) if page is None else None
    at.run()
    if page is not None:
        at.query_params.update(query)
        at.switch_page(f"../pages/{page}.py").run()
    assert not at.exception
    return at


NEEDED = {"thread": {"tr_id": "thread"}, "call": {"tc_id": "request"}, "handbook": {"hb_id": "document"}}
"""What a page shows one of: the parameter of its URL, and which of Things it is there."""


@pytest.mark.parametrize("role", ROLE_WORDS)
def test_a_role_gets_its_pages_and_is_offered_no_others(things, role):
    for page, roles in ROLES.items():
        if role not in roles:
            with pytest.raises(ValueError, match="page"):
                opened(VIEWERS[role], page)
            continue
        needed = {name: getattr(things, thing) for name, thing in NEEDED.get(page, {}).items()}
        if (role, page) == ("handler", "thread"):
            needed = {"tr_id": things.sealed}
        at = opened(VIEWERS[role], page, **needed)
        said = "Not found" in [error.proto.title for error in at.error]
        assert said == ((role, page) == ("handler", "call")), (role, page)
        assert bool(at.title) != said


@pytest.fixture
def refusals(monkeypatch) -> list[Exception]:
    """The errors that pages let through, as the entry script gets them. Their links to pages are left out."""
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    errors: list[Exception] = []
    hooked = partialmethod(ScriptRunner.__init__, on_script_error=errors.append)
    monkeypatch.setattr(ScriptRunner, "__init__", hooked)
    return errors


@pytest.mark.parametrize("role", [*ROLE_WORDS, "none"])
def test_a_page_that_is_run_past_the_menu_is_denied_by_core_and_draws_nothing_that_is_on_record(things, refusals, role):
    viewer = VIEWERS.get(role, NOBODY)
    allowed = {page for page, roles in ROLES.items() if role in roles}
    for page in ROLES.keys() - allowed:
        at = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=PATIENCE)
        sign_in(at, viewer)
        at.query_params.update({name: getattr(things, thing) for name, thing in NEEDED.get(page, {}).items()})
        at.run()
        if refusals or page != "threads":  # a list without a role has filters, and asks for nothing
            assert isinstance(refusals.pop(), Denied | NotFound | InvalidInput), page
        assert CANARY not in texts(at) + "".join(button.label for button in at.button)


def test_a_person_without_a_role_gets_no_page_and_is_told_whom_to_ask(things):
    at = opened(NOBODY)
    assert "have no role here yet" in "\n".join(error.value for error in at.error)
    assert CANARY not in texts(at)
    assert not at.chat_input


MISSING = "0" * 32
FORGED = {
    # role: the pages and parameters with which it tries to open what it may not; `Ask HR` is the first page
    "employee": [(None, {"thread": "thread"}), (None, {"thread": "sealed"}), (None, {"thread": "missing"})],
    "auditor": [("thread", {"tr_id": "sealed"}), ("thread", {"tr_id": "missing"}), ("call", {"tc_id": "missing"})],
    "handler": [("thread", {"tr_id": "thread"}), ("call", {"tc_id": "call"}), ("thread", {"tr_id": "missing"})],
    "approver": [("call", {"tc_id": "call"}), ("call", {"tc_id": "missing"})],
    "knowledge_owner": [("handbook", {"hb_id": "thread"}), ("handbook", {"hb_id": "missing"})],
}


@pytest.mark.parametrize("role", FORGED)
def test_the_address_of_what_is_anothers_says_no_more_than_that_of_what_does_not_exist(things, role):
    said = set()
    for page, query in FORGED[role]:
        ids = {name: getattr(things, thing, MISSING) for name, thing in query.items()}
        at = opened(VIEWERS[role], page, **ids)
        assert CANARY not in texts(at)
        said.add(tuple(sorted(f"{error.proto.title}: {error.value}" for error in at.error)))
    assert len(said) == 1
    ((told,),) = said
    assert told == "Not found: This does not exist, or you may not open it."


PARAMETERS = {
    "overview": ("ov_time", "ov_by"),
    "threads": ("th_time", "th_status", "th_outcome", "th_verdict", "th_handbook", "th_model", "th_tool"),
    "tool_calls": ("tc_time", "tc_status", "tc_approval", "tc_effect", "tc_only", "tc_tool"),
    "audit_log": ("al_denied", "al_by", "al_kind"),
    "handbooks": ("hb_tab", "hb_status", "hb_owner", "hb_audience", "hb_passages"),
}
"""What pages take from their address beside ids."""


@pytest.mark.parametrize("page", PARAMETERS)
def test_options_that_are_not_offered_are_no_options(things, page):
    role = "knowledge_owner" if page == "handbooks" else "auditor"
    at = opened(VIEWERS[role], page, **dict.fromkeys(PARAMETERS[page], "all\u202e'; DROP <script> e-1077"))
    assert not at.error
    assert at.title
    if page == "audit_log":  # the entries of everybody are for a data protection officer
        assert ASKER.id not in texts(at)


@pytest.mark.parametrize("role", ["auditor", "employee"])
def test_a_click_on_another_roles_button_does_nothing(things, role):
    handlers = opened(VIEWERS["handler"], "thread", tr_id=things.sealed)
    page = {"auditor": "thread"}.get(role)
    at = opened(VIEWERS[role], page, **({"tr_id": things.sealed} if page else {}))
    forged = WidgetStates()
    forged.widgets.add(id=handlers.text_input(key="tr_reason").id, string_value="because I say so")
    forged.widgets.add(id=handlers.button(key="tr_lift").id, trigger_value=True)
    at._run(widget_state=forged)
    assert not at.exception
    assert CANARY not in texts(at)
    assert app().run(app().desk.archive.thread(IN_NEED, things.sealed)).sealed
