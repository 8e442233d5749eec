"""The calls of a page: each is checked against the roles on record, and there is no way past that."""

import ast
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import anyio
import pytest

import console.app
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from console.app import app
from console.caller import Caller
from console.sign_in import roles, tab
from console.sign_in.identity import Identity
from console.sign_in.way import Way
from core import Blocked, Denied, Desk, Runner, RunnerError, Unavailable, Viewer, tool
from tests.console.test_pages import EMPLOYEE, LETTER, ask, labels, open_as, texts
from tests.support.desks import PATIENCE, QUICK
from tests.support.paths import ROOT

__all__ = ["open_as"]

ADMIN = Viewer("e-7001", {"administrator"})
APPROVER = Viewer("e-3001", {"employee"}, country="austria")
ADA = Identity(
    user_id="e-1042",
    provider="tests",
    roles=frozenset({"employee"}),
    country=None,
    entity=None,
    display_name=None,
    signed_in_at=datetime(2026, 11, 30, 9, tzinfo=UTC),
)


def decide(decision):
    app().run(decision(app().desk.administration))


# The check


@pytest.fixture
def runner():
    with Runner() as runner:
        yield runner


class Check:
    """Lets so many calls pass, and refuses the ones after that."""

    def __init__(self, lets, error=None):
        self.left, self.error = lets, error or Denied("desk.use")

    async def __call__(self):
        if not self.left:
            raise self.error
        self.left -= 1


def caller(runner, check):
    return Caller(Viewer("e-1042"), ADA, frozenset(), runner, check)


@pytest.mark.parametrize("error", [Denied("desk.use"), Blocked("e-1042"), Unavailable("away")])
def test_a_call_that_is_refused_runs_nothing(runner, error):
    ran = []

    async def call():
        ran.append(True)
        return 7

    asked = caller(runner, Check(1, error))
    assert asked.run(call()) == 7
    refused = call()
    with pytest.raises(type(error)) as caught:
        asked.run(refused)
    assert caught.value is error
    assert (ran, refused.cr_frame) == ([True], None)  # it was closed: Python has nothing to warn of


def test_a_call_does_not_wait_while_another_thread_closes_the_desk(open_as):
    open_as(EMPLOYEE)
    asked = roles._caller(Viewer("e-1042", {"employee"}), ADA)

    async def call():
        return 7

    with console.app._lock:  # closing the desk holds it, and waits for the loop in which the call is checked
        assert asked.run(call()) == 7


def test_a_call_on_a_closed_runner_is_closed_too():
    with Runner() as runner:
        asked = caller(runner, Check(1))

    async def call():
        pass

    late = call()
    with pytest.raises(RunnerError):
        asked.run(late)
    assert late.cr_frame is None


def test_a_stream_ends_at_the_item_at_which_it_is_refused_and_closes_what_it_streams(runner):
    closed = []

    async def numbers():
        try:
            for number in range(9):
                yield number
        finally:
            closed.append(True)

    seen = []
    with pytest.raises(Denied), caller(runner, Check(3)).stream(numbers()) as items:
        seen.extend(item for item in items if seen.append(item))
    assert (seen, closed) == ([0, 1], [True])


def test_following_an_answer_ends_with_a_block_and_the_answer_goes_on(runner):
    go = anyio.Event()

    @tool(effect="read")
    async def look() -> str:
        """Look."""
        await go.wait()
        return "there"

    async def opened():
        desk = Desk(
            MemoryStore(), ScriptedModel([[Call("look", {})], [Say("It is there.")]]), tools=[look], options=QUICK
        )
        await desk.start()
        return desk

    desk, viewer = runner.run(opened()), Viewer("e-1042")
    people = desk.administration
    asked = Caller(viewer, ADA, frozenset(), runner, lambda: people.confirm(viewer, claimed=ADA.roles))
    thread = asked.run(desk.create_thread(viewer)).id
    turn = asked.run(desk.submit(viewer, thread, "Where?")).id

    def follow():
        with asked.stream(desk.follow(viewer, turn)) as events:
            for event in events:
                if event.kind == "tool.started":
                    runner.run(people.block(ADMIN, "e-1042", "left"))

    with pytest.raises(Blocked):
        follow()

    async def rest():
        go.set()
        with anyio.fail_after(PATIENCE):
            async for _ in desk.follow(viewer, turn):
                pass
        ended = await desk.archive.turn(viewer, turn)
        await desk.close()
        return ended

    assert runner.run(rest()).text == "It is there."


# The pages


def test_a_click_in_the_tab_of_another_person_does_nothing_in_the_name_of_the_first(open_as, monkeypatch):
    signed_in = SimpleNamespace(identity=ADA)
    sign_in = SimpleNamespace(sign_in=lambda headers: signed_in.identity)
    monkeypatch.setattr(tab, "way", lambda: Way(sign_in, "HR", None))
    at = ask(open_as(EMPLOYEE), "What is our policy on remote work?")
    thread = at.query_params["thread"]
    signed_in.identity = replace(ADA, user_id="e-1077")
    at.chat_input[0].set_value("And from abroad?").run()
    assert not at.exception
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).turns == 1
    signed_in.identity = None
    at.run()
    assert not at.chat_input


def test_a_click_after_a_role_was_taken_away_does_nothing_and_the_page_says_why(open_as):
    thread = ask(open_as(EMPLOYEE), LETTER).query_params["thread"]
    decide(lambda people: people.grant(ADMIN, APPROVER.id, "approver", "on duty"))
    at = open_as(APPROVER, "approvals")
    decide(lambda people: people.end_grant(ADMIN, APPROVER.id, "approver", "moved on"))
    next(button for button in at.button if button.label == "Approve").click().run()
    assert not at.exception
    (warning,) = at.warning
    assert "was taken away" in warning.value
    assert "was stopped, and saved nothing more" in warning.value
    assert not at.title  # of the page that is closed
    (call,) = app().run(app().desk.archive.transcript(EMPLOYEE, thread)).turns[0].calls
    assert call.decision is None
    at.button(key="si_lost_read").click().run()
    assert not at.warning
    assert at.chat_input  # from the page that is closed it leads to the first one that is open


def test_the_next_run_shows_what_is_left_and_a_new_role_by_itself(open_as):
    at = open_as(APPROVER)
    with pytest.raises(ValueError, match=r"approvals\.py"):
        at.switch_page("../pages/approvals.py")
    decide(lambda people: people.grant(ADMIN, APPROVER.id, "approver", "on duty"))
    at.run()
    at.switch_page("../pages/approvals.py").run()
    assert at.title[0].value == "Approvals"
    decide(lambda people: people.end_grant(ADMIN, APPROVER.id, "approver", "moved on"))
    at.run()
    assert "was taken away" in at.warning[0].value
    assert "was stopped" not in at.warning[0].value  # nothing was begun
    decide(lambda people: people.grant(ADMIN, APPROVER.id, "approver", "on duty again"))
    at.run()
    assert not at.warning
    assert at.title[0].value == "Approvals"


def test_a_person_who_is_blocked_asks_nothing_more_and_reads_whom_to_ask(open_as):
    at = ask(open_as(EMPLOYEE), "What is our policy on remote work?")
    thread = at.query_params["thread"]
    decide(lambda people: people.block(ADMIN, EMPLOYEE.id, "left"))
    at.chat_input[0].set_value("And from abroad?").run()
    assert not at.exception
    assert "an administrator has blocked you here" in at.error[0].value
    assert "Ask your HR department" in at.error[0].value
    assert not at.chat_input
    assert "Sign in" not in labels(at)
    decide(lambda people: people.unblock(ADMIN, EMPLOYEE.id, "came back"))
    assert app().run(app().desk.archive.thread(EMPLOYEE, thread)).turns == 1
    at.run()
    assert at.chat_input


def test_an_answer_that_is_being_followed_stops_with_a_block_in_words_and_is_on_record(open_as, monkeypatch):
    at, desk = open_as(EMPLOYEE), app().desk
    follow, turns = desk.follow, []

    async def until_blocked(viewer, turn):
        turns.append(turn)
        async for event in follow(viewer, turn):
            await desk.administration.block(ADMIN, EMPLOYEE.id, "left")
            yield event

    monkeypatch.setattr(desk, "follow", until_blocked)
    at.chat_input[0].set_value("What is our policy on remote work?").run()
    assert not at.exception
    assert "an administrator has blocked you here" in at.error[0].value
    assert not at.chat_input

    async def rest():
        async for _ in follow(EMPLOYEE, turns[0]):
            pass
        return await desk.archive.turn(EMPLOYEE, turns[0])

    assert app().run(rest()).status == "completed"


def test_a_grant_lets_in_a_person_whose_sign_in_gives_no_role(open_as):
    at = open_as(Viewer("e-9001", ()))
    assert "have no role here yet\\. Ask your HR department" in at.error[0].value
    decide(lambda people: people.grant(ADMIN, "e-9001", "employee", "began"))
    at.run()
    assert at.chat_input
    decide(lambda people: people.end_grant(ADMIN, "e-9001", "employee", "left"))
    at.run()
    assert "have no role here any more" in at.error[0].value
    assert not at.chat_input


def test_a_store_that_is_away_takes_no_role_away_and_no_page_of_it_is_read(open_as, monkeypatch):
    at = open_as(APPROVER)
    decide(lambda people: people.grant(ADMIN, APPROVER.id, "approver", "on duty"))
    at = at.run().switch_page("../pages/approvals.py").run()
    assert at.title

    async def away(person):
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(app().desk.administration, "_granted", away)
        at.run()
        assert not at.exception
        assert not at.warning
        assert at.title[0].value == "Approvals"
        assert "The store does not answer" in texts(at)
        nobody = open_as(Viewer("e-9001", ()))
        assert not nobody.exception
        assert "The store does not answer" in texts(nobody)
    at.run()
    assert "The store does not answer" not in texts(at)


# No second way


def scripts():
    """The sources of what runs for a page, and has a viewer."""
    console = ROOT / "console"
    yield from (*(ROOT / "pages").glob("*.py"), *(console / "drawing").glob("*.py"))
    yield from (console / "main.py", console / "asking.py", console / "waiting.py")


def ways_past(source):
    """What in this source would call the desk without the check."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="app" | "start")), attr="run" | "stream" | "runner"):
                yield ast.unparse(node)
            case ast.ImportFrom(module="core.desk.runner" | "anyio" | "asyncio" | "anyio.from_thread"):
                yield ast.unparse(node)
            case ast.Import(names=names) if {"anyio", "asyncio"} & {name.name.partition(".")[0] for name in names}:
                yield ast.unparse(node)
            case (
                ast.Assign(value=ast.Call(func=ast.Name(id="app" | "start")))
                | ast.NamedExpr(value=ast.Call(func=ast.Name(id="app" | "start")))
            ):
                yield ast.unparse(node)


def test_pages_call_the_desk_by_their_caller_alone():
    assert [(file.name, way) for file in scripts() for way in ways_past(file.read_text())] == []


@pytest.mark.parametrize(
    "way",
    [
        "run, desk = app().run, 1",
        "start().runner",
        "there = app()",
        "import anyio.from_thread",
        "from core.desk.runner import Runner",
    ],
)
def test_a_way_past_the_check_is_found(way):
    assert list(ways_past(way))
