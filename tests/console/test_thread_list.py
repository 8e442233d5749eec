"""The list of one's own threads on Ask HR: by days, searched, and what is done with a thread in its menu."""

from datetime import UTC, date, datetime, timedelta

import anyio
import pytest

from backends import open_store
from console.app import app
from console.drawing.thread_list import PINNED, THREADS, heading
from core.errors import Unavailable
from core.log.facts import ThreadErased
from core.turn.commands import Note
from tests.console.test_pages import COLLEAGUE, EMPLOYEE, LEAVE, ask, open_as, opened, texts
from tests.support.seeding import seed_thread

__all__ = ["open_as"]  # the fixture

NOW = datetime.now(UTC)


@pytest.fixture
def seeded(open_as, tmp_path):
    """Puts threads on record, each with its id, its age in days, and its title if one was given to it."""

    def seed(*threads):
        async def write():
            async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
                for id, days, title in threads:
                    await seed_thread(store, id, EMPLOYEE.id, 2, NOW - timedelta(days=days), title)

        anyio.run(write)

    return seed


def rows(at):
    """The titles in the list, in its order."""
    return [button.label for button in at.button if (button.key or "").startswith("chat_open_")]


def lines(at):
    """The list as it is read: headings, titles and marks."""
    return [
        element.label if element.type == "button" else element.value
        for element in at.sidebar
        if element.type == "caption" or (element.type == "button" and (element.key or "").startswith("chat_open_"))
    ]


def choose(at, thread, deed):
    """The page after this choice in the thread's menu."""
    if at.query_params.get("thread") not in (thread, [thread]):
        press(at, f"chat_open_{thread}")
    menu = at.menu_button(key="chat_menu")
    (option,) = [one for one in menu.options if one.endswith(f": {deed}")]
    menu.click(option).run()
    assert not at.exception
    return at


def said(at):
    """All that the page says, without the marks that keep a text from being read as Markdown."""
    return texts(at).replace("\\", "")


def press(at, key):
    at.button(key=key).click().run()
    assert not at.exception
    return at


def head(thread):
    return app().run(app().desk.archive.thread(EMPLOYEE, thread))


@pytest.mark.parametrize(
    ("at", "name"),
    [
        (date(2026, 3, 3), "Today"),
        (date(2026, 3, 2), "Today"),
        (date(2026, 3, 1), "Yesterday"),
        (date(2026, 2, 28), "Last 7 days"),
        (date(2026, 2, 24), "Last 7 days"),
        (date(2026, 2, 23), "February 2026"),
        (date(2025, 2, 23), "February 2025"),
    ],
)
def test_a_day_has_the_name_by_which_it_is_remembered(at, name):
    assert heading(at, date(2026, 3, 2)) == name


def test_the_list_is_grouped_by_days_with_the_pinned_threads_above_and_the_archived_ones_a_click_away(open_as, seeded):
    seeded(("a", 0, "Bonus"), ("b", 1, "Moving"), ("c", 40, "Laptop"), ("d", 40, "Sick note"))
    at = open_as(EMPLOYEE)
    month = f"**{NOW - timedelta(days=40):%B %Y}**"
    # The records of one moment are ordered by id.
    assert lines(at) == ["**Today**", "Bonus", "**Yesterday**", "Moving", month, "Sick note", "Laptop"]
    choose(at, "c", "Pin")
    assert lines(at)[:3] == ["**Pinned**", "Laptop", "**Today**"]
    choose(at, "a", "Archive")
    assert lines(at) == ["**Pinned**", "Laptop", "**Yesterday**", "Moving", month, "Sick note"]
    assert lines(opened(at, "chat_archive"))[-2:] == ["**Today**", "Bonus"]
    choose(at, "a", "Put back")
    choose(at, "c", "Unpin")
    assert rows(at) == ["Bonus", "Moving", "Sick note", "Laptop"]
    assert "choose Archive in its menu" in said(at)


def test_an_open_thread_that_is_archived_stays_open(open_as, seeded):
    seeded(("a", 0, "Bonus"))
    at = choose(open_as(EMPLOYEE, thread="a"), "a", "Archive")
    assert rows(at) == []
    assert [element.value for element in at.get("text")] == ["Question 0", "Question 1"]
    assert "Ask a question to start a thread" in said(at)


def test_a_thread_is_renamed_and_what_is_refused_stays_in_the_form(open_as, seeded, monkeypatch):
    seeded(("a", 0, "Bonus"), ("b", 3, None))
    at = choose(open_as(EMPLOYEE), "b", "Rename")
    title = at.text_input(key="chat_title")
    assert title.value == "Question 0"
    title.set_value("  ")
    press(at, "chat_rename_save")
    assert "Not renamed: a title has 1 to 200 characters." in said(at)

    async def fail(*_, **__):
        raise Unavailable("away")

    with monkeypatch.context() as away:
        away.setattr(app().desk, "rename", fail)
        at.text_input(key="chat_title").set_value("My *days*")
        press(at, "chat_rename_save")
    assert "Not renamed: the store does not answer" in said(at)
    assert at.text_input(key="chat_title").value == "My *days*"
    press(at, "chat_rename_save")
    assert rows(at) == ["Bonus", r"My \*days\*"]
    press(choose(at, "b", "Rename"), "chat_rename_cancel")
    assert head("b").title == "My *days*"


def test_a_search_shows_where_the_words_are_and_opens_the_thread_there(open_as, seeded):
    seeded(("a", 2, "A *new* zeppelin"), ("b", 1, None))
    at = ask(ask(open_as(EMPLOYEE, thread="b"), "Who orders zeppelins?"), "And what does it cost?")
    at = open_as(EMPLOYEE)
    at.text_input(key="chat_words").set_value("zeppelin").run()
    assert lines(at) == [r"A \*new\* **zeppelin**", "Question 0", "Who orders **zeppelins?**"]
    press(at, "chat_open_b")
    assert at.query_params["thread"] == "b"
    assert at.session_state["chat_place"][0] == "b"
    turns = app().run(app().desk.archive.transcript(EMPLOYEE, "b")).turns
    assert at.session_state["chat_place"][2] == turns[2].turn.id
    at.text_input(key="chat_words").set_value("submarine").run()
    assert rows(at) == []
    assert "No threads match. Search for fewer or other words." in said(at)
    assert rows(at.text_input(key="chat_words").set_value("").run()) == ["Question 0", r"A \*new\* zeppelin"]


def test_a_search_says_which_of_its_threads_are_archived(open_as, seeded):
    seeded(("a", 2, "Laptop"))
    at = choose(open_as(EMPLOYEE), "a", "Archive")
    at.text_input(key="chat_words").set_value("laptop").run()
    assert lines(at) == ["**Laptop**", ":material/archive: Archived"]


def test_erasure_is_asked_for_with_what_it_means_and_is_taken_back(open_as, seeded, monkeypatch):
    seeded(("a", 0, "Bonus"))
    at = choose(open_as(EMPLOYEE), "a", "Ask for erasure")
    due = NOW + timedelta(days=30)
    meaning = said(at)
    assert f"**Bonus** will be erased in 30 days, on {due.day} {due:%b %Y}" in meaning
    for stays in ("which tools ran", "what it cost", "who has looked", "tickets and booked leave"):
        assert stays in meaning
    assert head("a").erase_due is None
    press(at, "erasure_cancel")
    assert "will be erased" not in said(at)
    assert head("a").erase_due is None
    press(choose(at, "a", "Ask for erasure"), "erasure_ask")
    assert lines(at) == ["**Today**", "Bonus", f":material/auto_delete: Will be erased on {due.day} {due:%b %Y}"]
    assert "which tools ran" not in said(at)

    async def fail(*_, **__):
        raise Unavailable("away")

    with monkeypatch.context() as away:
        away.setattr(app().desk, "withdraw_erasure", fail)
        choose(at, "a", "Take back the request for erasure")
    assert "The request for erasure was not taken back: the store does not answer" in said(at)
    choose(at, "a", "Take back the request for erasure")
    assert lines(at) == ["**Today**", "Bonus"]


def test_a_mark_says_what_a_thread_waits_for_and_that_it_was_erased(open_as, seeded):
    seeded(("a", 0, "Old"))

    async def erased():
        journal = app().desk._journal("a")
        await journal.load()
        await journal.append(Note(fact=ThreadErased(upto=journal.thread.n)), by=EMPLOYEE.id)

    at = ask(open_as(EMPLOYEE), LEAVE)
    app().run(erased())
    assert lines(at.run()) == [
        "**Today**",
        *(LEAVE.replace("-", r"\-"), ":material/approval: Waiting for you"),
        *("Old", ":material/ink_eraser: Erased"),
    ]


def test_more_threads_than_a_page_are_reached_page_by_page_and_pinned_ones_stand_above_each(open_as, seeded):
    seeded(
        *((f"t{n:02}", n, f"Thread {n}") for n in range(THREADS + 3)),
        *((f"p{n}", n, f"Pin {n}") for n in range(PINNED + 1)),
    )
    at = open_as(EMPLOYEE)
    for n in range(PINNED + 1):
        app().run(app().desk.shelve(EMPLOYEE, f"p{n}", "pinned"))
    at.run()
    pins = [f"Pin {n}" for n in range(PINNED + 1)]
    assert rows(at) == [*pins[:PINNED], *(f"Thread {n}" for n in range(THREADS))]
    assert rows(press(at, "chat_listed_next")) == [
        *pins[:PINNED],
        *(f"Thread {n}" for n in range(THREADS, THREADS + 3)),
    ]
    assert rows(press(at, "chat_pinned_next"))[:1] == pins[PINNED:]


def test_the_list_is_one_s_own(open_as, seeded):
    seeded(("a", 0, "Bonus"))
    assert rows(open_as(COLLEAGUE)) == []
