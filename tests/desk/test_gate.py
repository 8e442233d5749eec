"""Who may do what: every public method that takes a viewer, for every viewer, on own, foreign and missing objects."""

import inspect
import pickle
from contextlib import aclosing
from dataclasses import dataclass

import anyio
import pytest

import core.log.audit
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import (
    Administration,
    Archive,
    Chat,
    Concern,
    Denied,
    Desk,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Unavailable,
    Viewer,
    tool,
)
from core.canonical import canonical
from core.desk.exports.exports import Exports
from core.desk.figures import Figures
from core.desk.filters import CallFilter, ThreadFilter
from core.desk.oversight import Oversight
from core.desk.own_data import OwnData
from core.desk.system import System
from core.gate import authorize
from core.store import Query
from tests.support.access import ROLE_WORDS, access_table
from tests.support.desks import ASKER, QUICK, ended, waiting
from tests.support.wrapped import WrappedStore

VIEWERS = {
    "employee": Viewer("e-1077"),
    "auditor": Viewer("e-2001", roles={"auditor"}, purpose="complaint 7"),
    "purposeless": Viewer("olga", roles={"auditor"}),
    "blank": Viewer("olaf", roles={"auditor"}, purpose=" \n"),
    "approver": Viewer("e-3001", roles={"employee", "approver"}),
    "handler": Viewer("e-5001", roles={"employee", "handler"}, purpose="on duty"),
    "purposeless handler": Viewer("hugo", roles={"handler"}),
    "data protection officer": Viewer("e-6001", roles={"employee", "data_protection_officer"}, purpose="yearly check"),
    "purposeless officer": Viewer("dora", roles={"data_protection_officer"}),
    "knowledge owner": Viewer("e-4001", roles={"knowledge_owner"}),
    "administrator": Viewer("e-7001", roles={"employee", "administrator"}),
    "administrator alone": Viewer("adam", roles={"administrator"}),
    "roleless": Viewer("rolf", roles=()),
    "anonymous": None,
}
MISSING = "0" * 24
GRANTED, BLOCKED = "e-8001", "e-8002"  # people of whom something is on record in each world
OFF = "fax"  # a tool and a model that are off in each world
IN_NEED = Viewer("e-1099")


class SealsOne:
    """A care that seals the threads of one person."""

    async def recognise(self, text, viewer):
        return Concern(topic="illness") if viewer.id == IN_NEED.id else None


class Inbox:
    """A hand-over that always arrives."""

    async def send(self, ticket):
        return "T-1"


def desk_of(store):
    return Desk(store, ScriptedModel(script), tools=[book, pay, send], options=QUICK, care=SealsOne(), handover=Inbox())


@pytest.fixture
def store():
    """The gate stands above every store: one is as good as another."""
    return MemoryStore()


@tool(effect="unsafe")
def book() -> None:
    """Book."""


@tool(effect="unsafe", approval="approver")
def pay() -> None:
    """Pay."""


@tool(effect="idempotent")
def send() -> None:
    """Send."""
    raise OutcomeUnknown("the line went dead")


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("Nobody knows.")]
    return [Call("send", {})] if request.messages[-1].text == "Send" else [Call("book", {}), Call("pay", {})]


@dataclass(frozen=True)
class Things:
    """What one person has: a thread that takes a question, its ended turn with an unknown call, and a parked turn.

    `book` waits for the person, `pay` is deferred.
    """

    thread: str
    turn: str
    unknown: str
    parked: str
    book: str
    pay: str


async def things_of(desk, viewer):
    thread = (await desk.create_thread(viewer)).id
    turn = await ended(desk, await desk.submit(viewer, thread, "Send"), viewer)
    busy = (await desk.create_thread(viewer)).id
    parked = await desk.submit(viewer, busy, "Book and pay")
    await waiting(desk, parked, viewer)
    calls = {call.tool: call for call in (await desk.archive.turn_view(viewer, parked.id)).calls}
    assert {name: call.status for name, call in calls.items()} == {"book": "awaiting_approval", "pay": "deferred"}
    unknown = (await desk.archive.turn_view(viewer, turn.id)).calls[0].id
    return Things(thread, turn.id, unknown, parked.id, calls["book"].id, calls["pay"].id)


async def world_of(viewer):
    """A store and, by whose they are, the things in it: the viewer's own, foreign, sealed and missing ones; pickled."""
    store = MemoryStore()
    async with desk_of(store) as desk:
        deputy = Viewer("e-7002", roles={"administrator"})
        await desk.administration.grant(deputy, GRANTED, "auditor", "spring audit")
        await desk.administration.block(deputy, BLOCKED, "left")
        await desk.administration.switch_off_tool(deputy, OFF, "out of order")
        await desk.administration.switch_off_model(deputy, OFF, "out of order")
        objects = {
            "foreign": await things_of(desk, ASKER),
            "sealed": await things_of(desk, IN_NEED),
            "missing": None,
        }
        if viewer and "employee" in viewer.roles:
            objects["own"] = await things_of(desk, viewer)
    return pickle.dumps((store, objects))


@pytest.fixture(scope="module")
def worlds():
    """By viewer, the world that each of a viewer's tests begins with."""
    return {}


async def first(events):
    async with aclosing(events):
        return await anext(events)


async def digest_of(desk, call):
    found = await desk._store.get("tool_call", call)
    return found.fields["digest"] if found else "0" * 64


async def decide(desk, viewer, call):
    return await desk.decide(viewer, call, "approve", await digest_of(desk, call))


READ, WRITE, NO_OBJECT = "read", "write", "no object"
ROWS = {
    # method: [(action, thing, how it is called)]; a thing of None: the method concerns no single object
    "thread": [(READ, "thread", lambda d, v, id: d.archive.thread(v, id))],
    "load_chat": [(READ, "thread", lambda d, v, id: d.load_chat(v, id))],
    "transcript": [(READ, "thread", lambda d, v, id: d.archive.transcript(v, id))],
    "messages": [(READ, "thread", lambda d, v, id: d.archive.messages(v, id))],
    "tool_calls": [(READ, "thread", lambda d, v, id: d.archive.tool_calls(v, id))],
    "pending_calls": [(READ, "thread", lambda d, v, id: d.archive.pending_calls(v, id))],
    "model_calls": [(READ, "thread", lambda d, v, id: d.archive.model_calls(v, id))],
    "usage": [
        (READ, "thread", lambda d, v, id: d.archive.usage(v, id)),
        ("usage", None, lambda d, v, _: d.figures.usage(v, "day", None, None)),
        ("employee's", None, lambda d, v, _: d.own_data.usage(v)),
    ],
    "turn": [(READ, "turn", lambda d, v, id: d.archive.turn(v, id))],
    "turn_view": [(READ, "turn", lambda d, v, id: d.archive.turn_view(v, id))],
    "produced": [(READ, "turn", lambda d, v, id: d.archive.produced(v, id))],
    "follow": [(READ, "turn", lambda d, v, id: first(d.follow(v, id)))],
    "call": [
        (READ, "book", lambda d, v, id: d.archive.call(v, id)),
        ("read for approval", "pay", lambda d, v, id: d.archive.call(v, id)),
    ],
    "call_history": [
        (READ, "book", lambda d, v, id: d.archive.call_history(v, id)),
        ("read for approval", "pay", lambda d, v, id: d.archive.call_history(v, id)),
    ],
    "deferred_call": [("read for approval", "pay", lambda d, v, id: d.archive.deferred_call(v, id))],
    "submit": [(WRITE, "thread", lambda d, v, id: d.submit(v, id, "Send"))],
    "show": [(WRITE, "turn", lambda d, v, id: d.show(v, id))],
    "withdraw": [(WRITE, "pay", lambda d, v, id: d.withdraw(v, id))],
    "rename": [(WRITE, "thread", lambda d, v, id: d.rename(v, id, "Title"))],
    "update_metadata": [(WRITE, "thread", lambda d, v, id: d.update_metadata(v, id, {"a": 1}))],
    "change_instructions": [(WRITE, "thread", lambda d, v, id: d.change_instructions(v, id, "Be brief."))],
    "shelve": [(WRITE, "thread", lambda d, v, id: d.shelve(v, id, "pinned"))],
    "ask_erasure": [(WRITE, "thread", lambda d, v, id: d.ask_erasure(v, id))],
    "withdraw_erasure": [(WRITE, "thread", lambda d, v, id: d.withdraw_erasure(v, id))],
    "give_feedback": [(WRITE, "turn", lambda d, v, id: d.give_feedback(v, id, "up"))],
    "hand_over": [(WRITE, "turn", lambda d, v, id: d.hand_over(v, id))],
    "stop": [(WRITE, "parked", lambda d, v, id: d.stop(v, id))],
    "decide": [
        (WRITE, "book", decide),
        ("approve", "pay", decide),
    ],
    "resolve": [("resolve", "unknown", lambda d, v, id: d.resolve(v, id, True, "I saw the letter"))],
    "judge": [("judge", "turn", lambda d, v, id: d.judge(v, id, "right"))],
    "lift_seal": [("lift", "thread", lambda d, v, id: d.lift_seal(v, id, "a false alarm"))],
    "create_thread": [("employee's", None, lambda d, v, _: d.create_thread(v))],
    "create_chat": [("employee's", None, lambda d, v, _: d.create_chat(v))],
    "acknowledge": [("employee's", None, lambda d, v, _: d.acknowledge(v, "1"))],
    "person": [("employee's", None, lambda d, v, _: d.archive.person(v))],
    "own_limits": [("employee's", None, lambda d, v, _: d.own_limits(v))],
    "totals": [("employee's", None, lambda d, v, _: d.own_data.totals(v))],
    "erasures": [("employee's", None, lambda d, v, _: d.own_data.erasures(v))],
    "looks_at_own": [("employee's", None, lambda d, v, _: d.own_data.looks_at_own(v))],
    "export_own": [
        ("employee's", None, lambda d, v, _: d.exports.export_own(v, None, "html")),
        ("read own", "thread", lambda d, v, id: d.exports.export_own(v, [id], "jsonl")),
    ],
    "conversation": [("read own", "thread", lambda d, v, id: d.exports.conversation(v, id))],
    "fork": [("read own", "thread", lambda d, v, id: d.fork(v, id))],
    "owns": [("employee's", None, lambda d, v, _: d.archive.owns(v, MISSING))],
    "threads": [("employee's", None, lambda d, v, _: d.archive.threads(v))],
    "search_threads": [("auditor's", None, lambda d, v, _: d.oversight.search_threads(v))],
    "sealed_threads": [("handler's", None, lambda d, v, _: d.oversight.sealed_threads(v))],
    "search_calls": [("auditor's", None, lambda d, v, _: d.oversight.search_calls(v))],
    "measure_threads": [("auditor's", None, lambda d, v, _: d.exports.measure_threads(v, ThreadFilter()))],
    "measure_calls": [("auditor's", None, lambda d, v, _: d.exports.measure_calls(v, CallFilter()))],
    "export_threads": [("auditor's", None, lambda d, v, _: d.exports.export_threads(v, ThreadFilter(), "csv"))],
    "export_calls": [("auditor's", None, lambda d, v, _: d.exports.export_calls(v, CallFilter(), "csv"))],
    "count_threads": [("auditor's", None, lambda d, v, _: d.oversight.count_threads(v, ThreadFilter(), {}))],
    "count_calls": [("auditor's", None, lambda d, v, _: d.oversight.count_calls(v, CallFilter(), {}))],
    "tool_report": [("auditor's", None, lambda d, v, _: d.oversight.tool_report(v))],
    "overview": [("figures", None, lambda d, v, _: d.figures.overview(v, None, None))],
    "breakdown": [("figures", None, lambda d, v, _: d.figures.breakdown(v, "country", None, None))],
    "gaps": [("knowledge owner's", None, lambda d, v, _: d.archive.gaps(v))],
    "looks": [("audit log", None, lambda d, v, _: d.oversight.looks(v))],
    "count_waiting": [("approver's number", None, lambda d, v, _: d.oversight.count_waiting(v))],
    "state": [("administrator's look", None, lambda d, v, _: d.system.state(v))],
    "confirm": [("granted", None, lambda d, v, _: d.administration.confirm(v))],
    "people": [("administrator's look", None, lambda d, v, _: d.administration.people(v))],
    "history": [("administrator's look", None, lambda d, v, _: d.administration.history(v, GRANTED))],
    "grant": [("administrator's", None, lambda d, v, _: d.administration.grant(v, "e-8003", "handler", "on duty"))],
    "end_grant": [
        ("administrator's", None, lambda d, v, _: d.administration.end_grant(v, GRANTED, "auditor", "moved on"))
    ],
    "block": [("administrator's", None, lambda d, v, _: d.administration.block(v, "e-8003", "left"))],
    "unblock": [("administrator's", None, lambda d, v, _: d.administration.unblock(v, BLOCKED, "came back"))],
    "limits_reached": [("administrator's look", None, lambda d, v, _: d.administration.limits_reached(v))],
    "tools_and_models": [("administrator's look", None, lambda d, v, _: d.administration.tools_and_models(v))],
    "switch_off_tool": [("administrator's", None, lambda d, v, _: d.administration.switch_off_tool(v, "pay", "paid"))],
    "switch_on_tool": [("administrator's", None, lambda d, v, _: d.administration.switch_on_tool(v, OFF, "mended"))],
    "switch_off_model": [
        ("administrator's", None, lambda d, v, _: d.administration.switch_off_model(v, "scripted:", "rude"))
    ],
    "switch_on_model": [("administrator's", None, lambda d, v, _: d.administration.switch_on_model(v, OFF, "mended"))],
    "waiting_calls": [("approver's", None, lambda d, v, _: d.oversight.waiting_calls(v))],
}
CELLS = [
    pytest.param(action, thing, call, id=f"{method}-{thing or 'none'}")
    for method, rows in ROWS.items()
    for action, thing, call in rows
]
AUDITED = (READ, "read own", "read for approval", "resolve", "judge", "lift")
EMPLOYEES = ("employee", "approver", "handler", "data protection officer", "administrator")


def expected(action, who, whose):
    """`ok`, `look` (it is put on record), or what is raised."""
    purposeless = who in ("purposeless", "blank", "purposeless handler")
    match action, who:
        case "employee's", _ if who in EMPLOYEES:
            return "ok"
        case ("auditor's" | "figures", "auditor") | ("figures", "data protection officer"):
            return "look"
        case ("auditor's" | "figures", "purposeless" | "blank") | ("figures", "purposeless officer"):
            return InvalidInput
        case ("handler's", "purposeless handler") | ("audit log", "purposeless officer"):
            return InvalidInput
        case "usage", "auditor" | "administrator" | "administrator alone":
            return "look"
        case "usage", "purposeless" | "blank":
            return InvalidInput
        case "audit log", "data protection officer":
            return "look"
        case "audit log", "auditor" | "purposeless" | "blank" | "approver" | "handler" | "purposeless handler":
            return "ok"  # their own entries
        case "approver's number", "approver":
            return "ok"
        case "administrator's", "administrator" | "administrator alone":
            return "ok"
        case "administrator's look", "administrator" | "administrator alone":
            return "look"
        case "granted", "roleless":
            return "ok"  # all others have roles that they were not granted, and do not claim
        case ("approver's", "approver") | ("knowledge owner's", "knowledge owner") | ("handler's", "handler"):
            return "look"
        case (
            (
                "employee's"
                | "auditor's"
                | "approver's"
                | "knowledge owner's"
                | "handler's"
                | "audit log"
                | "figures"
                | "usage"
            ),
            _,
        ):
            return Denied
        case (("approver's number" | "administrator's" | "administrator's look" | "granted"), _):
            return Denied
    if whose == "own":
        return NotFound if action in ("approve", "resolve", "judge", "lift") else "ok"
    if action in AUDITED and purposeless:
        return InvalidInput
    if whose == "missing":
        return NotFound
    reader = "handler" if whose == "sealed" else "auditor"
    match action, who:
        case (("read" | "resolve" | "judge" | "read for approval"), _) if who == reader:
            return "look"
        case "lift", "handler" if whose == "sealed":
            return "look"
        case "read for approval", "approver":
            return "look"
        case "approve", "approver":
            return "ok"
    return NotFound


@pytest.mark.parametrize("action", ["store.copy", "store.backup", "store.restore", "store.rebuild"])
def test_an_administrator_who_says_why_copies_restores_and_rebuilds_a_store(action):
    """Commands do; no method of the library does."""
    for name, viewer in VIEWERS.items():
        if name in ("administrator", "administrator alone"):
            with pytest.raises(InvalidInput, match="a look needs a purpose"):
                authorize(viewer, action)
        else:
            with pytest.raises(Denied):
                authorize(viewer, action)
    assert authorize(Viewer("adam", {"administrator"}, purpose="move"), action) == "look"


async def audit_of(store, viewer):
    return await store.read(f"audit:{viewer.id}") if viewer else []


async def recorded(store, viewer):
    """What the records say of the viewer's entries, oldest first."""
    page = await store.find(Query(kind="look", where={"by": viewer.id}, order=("n",), limit=500))
    return [(one.fields["denied"], one.fields["action"], one.fields["object"]) for one in page.records]


def methods(of):
    """The public async methods that take a viewer."""
    for name, method in inspect.getmembers(of, inspect.isfunction):
        if (
            not name.startswith("_")
            and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(inspect.unwrap(method)))
            and "viewer" in inspect.signature(method).parameters
        ):
            yield name


def test_every_public_method_that_takes_a_viewer_has_a_row():
    classes = (Administration, Archive, Oversight, Exports, Figures, OwnData, System, Desk)
    assert {name for of in classes for name in methods(of)} == set(ROWS)
    assert list(methods(Chat)) == []  # a chat has one viewer, for all it does


def test_every_public_method_takes_a_viewer_but_those_that_run_the_desk():
    public = {name for name, method in inspect.getmembers(Desk, inspect.isfunction) if not name.startswith("_")}
    assert public - set(ROWS) == {"start", "close", "recover"}
    public = {name for name, _ in inspect.getmembers(Administration, inspect.isfunction) if not name.startswith("_")}
    # What makes a viewer, what the owner of an installation does without one, and what workers ask.
    assert public - set(ROWS) == {"viewer", "install", "map_sign_in", "grant_first", "repair", "off", "now"}


@pytest.mark.parametrize("who", VIEWERS)
@pytest.mark.parametrize(("action", "thing", "call"), CELLS)
async def test_what_a_viewer_may_do(worlds, action, thing, call, who):
    viewer = VIEWERS[who]
    if who not in worlds:
        worlds[who] = await world_of(viewer)
    store, objects = pickle.loads(worlds[who])
    async with desk_of(store) as desk:
        said, denials = {}, {}
        for whose, things in objects.items() if thing else [("none", None)]:
            id = getattr(things, thing) if things else MISSING
            before = len(await audit_of(store, viewer))
            outcome = expected(action, who, whose)
            if isinstance(outcome, str):
                await call(desk, viewer, id)
            else:
                with pytest.raises(outcome) as caught:
                    await call(desk, viewer, id)
                assert type(caught.value) is outcome
                said[whose] = str(caught.value).replace(id, "ID")
            entries = (await audit_of(store, viewer))[before:]
            match outcome:
                case "look":
                    assert [entry.kind for entry in entries] == ["audit.looked"]
                case _ if viewer and outcome in (Denied, NotFound):
                    (entry,) = entries
                    assert entry.kind == "audit.denied"
                    denials[whose] = canonical(entry.shell).decode().replace(id, "ID")
                case _:
                    assert entries == []
        unseen = ("foreign", "sealed", "missing")
        assert len({said[whose] for whose in unseen if whose in said}) <= 1
        assert len({denials[whose] for whose in unseen if whose in denials}) <= 1
        if viewer:
            assert await recorded(store, viewer) == [
                (entry.kind == "audit.denied", entry.shell["action"], entry.shell["object"])
                for entry in await audit_of(store, viewer)
            ]


@pytest.mark.parametrize(
    ("action", "thing", "call"), [cell for cell in CELLS if expected(cell.values[0], "auditor", "foreign") == "look"]
)
async def test_a_look_that_cannot_be_put_on_record_shows_nothing(store, monkeypatch, action, thing, call):
    class NoAudit(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            if stream.startswith("audit:"):
                raise Unavailable("no place for an audit")
            await super().commit(stream, after, entries, records, id=id)

    monkeypatch.setattr(core.log.audit, "_PATIENCE", 0.01)
    async with Desk(NoAudit(store), ScriptedModel(script), tools=[book, pay, send], options=QUICK) as desk:
        things = await things_of(desk, ASKER)
        with pytest.raises(Unavailable, match="no place for an audit"):
            await call(desk, VIEWERS["auditor"], getattr(things, thing) if thing else None)
        assert not (await store.get("tool_call", things.unknown)).fields["resolution"]
        assert await store.get("review", things.turn) is None


async def test_a_look_says_who_looked_at_what_of_whose_and_why(store):
    async with Desk(store, ScriptedModel(script), tools=[book, pay, send], options=QUICK) as desk:
        things = await things_of(desk, ASKER)
        await desk.archive.transcript(VIEWERS["auditor"], things.thread)
        await desk.oversight.search_threads(VIEWERS["auditor"], ThreadFilter(words="book", owner="e-1042"))
    one, search = await store.read("audit:e-2001")
    assert (one.by, one.shell["action"], one.shell["object"], one.shell["owner"]) == (
        "e-2001",
        "thread.read",
        f"thread:{things.thread}",
        "e-1042",
    )
    assert one.payload["purpose"] == "complaint 7"
    assert (search.shell["action"], search.shell["owner"], search.payload["words"]) == (
        "person.search",
        "e-1042",
        "book",
    )


async def test_many_looks_at_once_each_leave_an_entry(store):
    async with Desk(store, ScriptedModel(script), tools=[book, pay, send], options=QUICK) as desk:
        threads = [(await desk.create_thread(ASKER)).id for _ in range(10)]
        async with anyio.create_task_group() as tasks:
            for thread in threads:
                tasks.start_soon(desk.archive.thread, VIEWERS["auditor"], thread)
    assert {entry.shell["object"] for entry in await audit_of(store, VIEWERS["auditor"])} == {
        f"thread:{thread}" for thread in threads
    }
    assert [entry.n for entry in await audit_of(store, VIEWERS["auditor"])] == list(range(1, 11))


@pytest.mark.parametrize(
    "who", [who for who in VIEWERS if VIEWERS[who] and not VIEWERS[who].roles & {"auditor", "handler"}]
)
async def test_a_chat_is_loaded_by_its_owner_only(store, who):
    async with Desk(store, ScriptedModel(script), tools=[book, pay, send], options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        for id in (thread, MISSING):
            with pytest.raises(NotFound, match=f"^thread {id} was not found$"):
                await desk.load_chat(VIEWERS[who], id)


# The deeds of the table in docs/sign-in.md: the action of ROWS, and whose the object is.
DEEDS = {
    "Ask, and all that concerns one's own threads": [("employee's", "none")],
    "Read another person's thread, and its tool calls": [(READ, "foreign")],
    "Judge another person's answer, and say what became of an unknown call": [
        ("judge", "foreign"),
        ("resolve", "foreign"),
    ],
    "Read a sealed thread": [(READ, "sealed")],
    "Judge an answer of a sealed thread": [("judge", "sealed"), ("resolve", "sealed")],
    "Lift a seal": [("lift", "sealed")],
    "List sealed threads": [("handler's", "none")],
    "Search, count and export threads and tool calls": [("auditor's", "none")],
    "Read a request that waits for an approver": [("read for approval", "foreign")],
    "Read such a request of a sealed thread": [("read for approval", "sealed")],
    "Approve or deny such a request, sealed or not": [("approve", "foreign"), ("approve", "sealed")],
    "Read figures": [("figures", "none")],
    "Read the usage of entities, models and days": [("usage", "none")],
    "Read one's own looks and denials": [("audit log", "none")],
    "Read the questions that no handbook answers": [("knowledge owner's", "none")],
    "Grant roles, block people, switch tools and models off, copy, restore and repair the store, and read all that": [
        ("administrator's", "none"),
        ("administrator's look", "none"),
    ],
    "Write in another person's thread": [(WRITE, "foreign"), (WRITE, "sealed"), ("read own", "foreign")],
}
OF_NO_ROW = {"approver's", "approver's number", "granted"}
"""Actions without a row: the list of what waits for an approver and its length, and that a viewer is confirmed."""


def roles_of(action, whose):
    """The roles that allow it. Those who are employees too have their further role's column for what that adds."""
    allowed = {role for role in ROLE_WORDS.values() if isinstance(expected(action, role, whose), str)}
    return allowed & {"employee"} or allowed


def test_the_table_of_the_docs_says_who_may_do_what():
    rows = access_table("deed")
    everybodys = rows.pop("Read the looks and denials of everybody")
    assert everybodys == {role for role in ROLE_WORDS.values() if expected("audit log", role, "none") == "look"}
    assert rows.keys() == DEEDS.keys()
    for deed, actions in DEEDS.items():
        for action, whose in actions:
            assert rows[deed] == roles_of(action, whose), (deed, action, whose)
    assert {action for actions in DEEDS.values() for action, _ in actions} | OF_NO_ROW == {
        action for rows in ROWS.values() for action, *_ in rows
    }
