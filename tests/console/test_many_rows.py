"""A page sends and reads as much for a long list as for four times as many rows: it draws a page of them."""

from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

import console.app
from backends import open_store
from backends.handbooks.ingest.files import Upload
from backends.handbooks.opening import open_handbooks
from backends.models.scripted.model import Call, Say, ScriptedModel
from console.app import app, close
from console.drawing.handbook_versions import A_PAGE as PASSAGES
from console.drawing.thread_list import THREADS
from console.drawing.timeline import A_PAGE
from core import Archive, Desk, tool
from core.clock import SystemClock
from core.gate import Owned
from core.log.audit import AuditLog
from tests.console.test_pages import APPROVER, AUDITOR, EMPLOYEE, KEEPER, MAIN, OFFICER, texts
from tests.support.desks import PATIENCE, QUICK, ended
from tests.support.seeding import seed, seed_thread
from tests.support.signing_in import sign_in
from tests.support.wrapped import WrappedStore

ROWS = 60
"""More than a page of any list has."""
TURNS = 20


@tool(effect="unsafe", approval="approver")
def pay() -> str:
    """Pay."""
    return "paid"


async def fill(folder: Path, rows: int, turns: int) -> None:
    """A store and a catalogue with so many rows of each list, and with one thread of so many turns."""
    async with open_store(f"sqlite:///{folder}/desk.db") as store:
        await seed(store, rows)
        for n in range(rows):
            await seed_thread(store, f"own-{n}", EMPLOYEE.id, 1)
        await seed_thread(store, "long", EMPLOYEE.id, turns)
        audit = AuditLog(store, SystemClock())
        for n in range(rows):
            await audit.record(AUDITOR, "audit.search", words=f"word {n}")
            await audit.record(AUDITOR, "thread.read", Owned(kind="thread", id=f"own-{n}", owner=EMPLOYEE.id))
        script = [[Call("pay", {})], [Say("It waits.")]] * rows
        async with Desk(store, ScriptedModel(script), tools=[pay], options=QUICK) as desk:
            for n in range(THREADS + rows // 12):  # each with a mark in the list of threads
                thread = await desk.create_thread(EMPLOYEE)
                await ended(desk, await desk.submit(EMPLOYEE, thread.id, f"Pay {n}"), EMPLOYEE)
    files = [Upload(name=f"doc{n}.md", data=f"# Document {n}\n\nOne rule.".encode()) for n in range(rows)]
    rules = "".join(f"## Rule {n}\n\nRule number {n} of this house says what to do.\n\n" for n in range(rows))
    files.append(Upload(name="rules.md", data=f"# Rules\n\n{rules}".encode()))
    async with open_handbooks(folder / "desk.db-handbooks", embedder="none:") as handbooks:
        report = await handbooks.ingest(KEEPER, *files)
        assert len(report.documents) == rows + 1


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A store with some rows of each list and a thread of 40 messages; one with four times as many and of 1,000."""
    made = []
    for rows, turns in ((ROWS, TURNS), (4 * ROWS, 500)):
        made.append(tmp_path_factory.mktemp("rows"))
        anyio.run(fill, made[-1], rows, turns)
    return made


_of_a_page = ContextVar("of_a_page", default=False)


class PageCounting(WrappedStore):
    """Counts what pages ask for, and not the desk's own work beside them."""

    def __init__(self, store):
        super().__init__(store)
        self.calls = Counter()

    async def _call(self, operation, *given, **named):
        self.calls[operation] += _of_a_page.get()
        return await super()._call(operation, *given, **named)


def marking(run):
    """`run`, in whose context the store counts."""

    def marked(awaitable):
        token = _of_a_page.set(True)
        try:
            return run(awaitable)
        finally:
            _of_a_page.reset(token)

    return marked


@pytest.fixture
def console_of(monkeypatch):
    """A console over the store in a folder: what opens its pages, and the store, which counts."""
    for name, value in {"HANDBOOKS": "", "EMBEDDER": "none:", "MODEL": "offline:?delay=0"}.items():
        monkeypatch.setenv(f"ROLLTOP_{name}", value)
    config.set_option("server.address", "127.0.0.1")

    @contextmanager
    def over(folder):
        counting = []

        @asynccontextmanager
        async def counted(url):
            async with open_store(url) as store:
                counting.append(PageCounting(store))
                yield counting[0]

        def open_as(viewer, page="chat", **query):
            at = AppTest.from_file(MAIN, default_timeout=PATIENCE)
            sign_in(at, viewer)
            at.run()
            for name, value in query.items():
                at.query_params[name] = value
            at = (at.switch_page(f"../pages/{page}.py") if page != "chat" else at).run()
            assert not at.exception
            assert not at.error
            return at

        monkeypatch.setattr(console.app, "open_store", counted)
        monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{folder}/desk.db")
        try:
            for way_in in (app(), app().runner):
                monkeypatch.setattr(way_in, "run", marking(way_in.run))
            yield open_as, counting[0]
        finally:
            close()

    return over


def sent(at):
    """How many elements a page has, of each type too, and how many options and rows are in them."""
    elements = list(at._tree)
    return Counter(
        [element.type for element in elements],
        elements=len(elements),
        # Those of a filter by handbook are the titles of all handbooks.
        options=sum(len(one.proto.options) for one in (*at.radio, *at.selectbox, *at.get("button_group"))),
        rows=sum(len(frame.value) for frame in at.dataframe),
    )


PAGES = [
    (EMPLOYEE, "chat", {}),
    (EMPLOYEE, "chat", {"thread": "long"}),
    (EMPLOYEE, "my_data", {}),
    (AUDITOR, "thread", {"tr_id": "long"}),
    (AUDITOR, "threads", {"th_time": "all"}),
    (AUDITOR, "tool_calls", {"tc_time": "all"}),
    (AUDITOR, "overview", {"ov_time": "all"}),
    (OFFICER, "audit_log", {"al_time": "all"}),
    (APPROVER, "approvals", {}),
    (KEEPER, "handbooks", {}),
    (KEEPER, "handbook", {"hb_id": "rules"}),
]


@pytest.mark.parametrize(
    ("viewer", "page", "query"), PAGES, ids=[f"{page} {' '.join(query)}" for _, page, query in PAGES]
)
def test_a_rerun_sends_and_reads_as_much_for_four_times_as_many_rows(folders, console_of, viewer, page, query):
    costs = []
    for folder in folders:
        with console_of(folder) as (open_as, counting):
            at = open_as(viewer, page, **query)
            counting.calls.clear()
            costs.append({"sent": sent(at.run()), "read": Counter(counting.calls)})
    few, many = costs
    assert few == many
    if page not in ("handbooks", "handbook"):  # these read the catalogue alone
        assert 0 < few["read"].total() < 30
    assert few["sent"]["elements"] < 300


def test_the_next_page_of_a_handbook_has_the_next_passages_and_its_number_is_in_the_url(folders, console_of):
    with console_of(folders[0]) as (open_as, _):
        at = open_as(KEEPER, "handbook", hb_id="rules")
        [passages] = at.radio
        assert passages.options[0].startswith("1 · ")
        assert passages.options[-1].startswith(f"{PASSAGES} · ")
        at = open_as(KEEPER, "handbook", hb_id="rules", hb_passages="2")
        [passages] = at.radio
        assert passages.options[0].startswith(f"{PASSAGES + 1} · ")
        passages.set_value(PASSAGES + 4).run()
        assert f"at passage {PASSAGES + 5}" in texts(at)
        assert f"Rule number {PASSAGES + 4} of this house" in texts(at)


def test_the_turns_of_a_thread_are_drawn_ten_at_a_time_both_ways(folders, console_of):
    with console_of(folders[0]) as (open_as, _):
        last = TURNS - 1
        at = open_as(EMPLOYEE, thread="long")
        assert questions(at) == [f"Question {n}" for n in range(last - 9, last + 1)]
        at.button(key="chat_earlier").click().run()
        assert questions(at) == [f"Question {n}" for n in range(last - 19, last - 9)]
        at.button(key="chat_later").click().run()
        assert questions(at) == [f"Question {n}" for n in range(last - 9, last + 1)]
        at.button(key="chat_earlier").click().run()
        at.button(key="chat_newest").click().run()
        assert questions(at)[-1] == f"Question {last}"
        at.button(key="chat_earlier").click().run()
        at.chat_input[0].set_value("And now?").run()
        assert questions(at)[-1] == "And now?"


def test_own_threads_and_the_looks_at_them_have_pages(folders, console_of):
    with console_of(folders[0]) as (open_as, _):
        at = open_as(EMPLOYEE, "my_data")
        seen = [own_rows(at)]
        for name in ("md_threads", "md_looks"):
            at.button(key=f"{name}_next").click().run()
            seen.append(own_rows(at))
        (first, looks), (second, _), (_, others) = seen
        assert len(first) == len(second) == len(looks) == len(others) == 10
        assert {*first}.isdisjoint(second)


def own_rows(at):
    """The threads, and the looks at them, that My data shows."""
    links = [link.proto.query_string for link in at.get("page_link") if link.proto.label.startswith("**")]
    return links, [one.value for one in at.caption if "Purpose:" in one.value]


def questions(at):
    return [element.value for element in at.get("text")]


async def test_a_timeline_draws_a_page_of_its_steps(folders):
    def page():
        import streamlit as st

        from console.drawing.timeline import draw_timeline

        st.fragment(draw_timeline)(st.session_state["view"], lambda turn: None)

    async with open_store(f"sqlite:///{folders[0]}/desk.db") as store:
        view = await Archive(store).turn_view(EMPLOYEE, "own-0-q0")
    [call] = view.model_calls
    numbers = []
    for steps in (2 * A_PAGE, 8 * A_PAGE):
        calls = [call.model_copy(update={"id": f"m{n}", "at_n": call.at_n + n}) for n in range(steps)]
        at = AppTest.from_function(page)
        at.session_state["view"] = replace(view, model_calls=calls)
        at.run()
        assert not at.exception
        numbers.append(sent(at))
    assert numbers[0] == numbers[1]
    assert numbers[0]["expander"] <= A_PAGE + 1
